using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;

namespace KmsSidecar.Bench.Swaps;

/// <summary>Changes a running daemon's configuration thousands of times under load. Exits with 0 only when no request failed, every envelope
/// opened to its own key, every change was made, and resident memory is where it was.</summary>
internal static class SwapCommand
{
    /// <summary>Resident memory afterwards, at most, relative to before.</summary>
    private const double MaxGrowth = 1.10;

    public static Command Create()
    {
        Option<string> data = new("--data-socket") { Description = "Path of the data socket.", Required = true };
        Option<string> admin = new("--admin-socket") { Description = "Path of the admin socket.", Required = true };
        Option<int> pid = new("--server-pid") { Description = "The daemon, whose memory is read.", Required = true };
        Option<string> first = new("--first-dir") { Description = "A key directory.", Required = true };
        Option<string> second = new("--second-dir") { Description = "Another key directory.", Required = true };
        Option<int> swaps = new("--swaps") { Description = "Configuration changes.", DefaultValueFactory = static _ => 10_000 };
        Option<int> connections = new("--connections") { Description = "Connections that generate and decrypt.", DefaultValueFactory = static _ => 16 };
        Option<int> baseline = new("--baseline") { Description = "Seconds of the run without changes.", DefaultValueFactory = static _ => 10 };
        Option<int> limit = new("--limit") { Description = "Seconds after which the changes end.", DefaultValueFactory = static _ => 600 };
        Command command = new("swaps", "Changes the configuration under load and prints a Markdown table.")
        {
            data, admin, pid, first, second, swaps, connections, baseline, limit,
        };
        command.SetAction(parsed => Run(new SwapOptions(
            new UnixDomainSocketEndPoint(parsed.GetRequiredValue(data)),
            new UnixDomainSocketEndPoint(parsed.GetRequiredValue(admin)),
            parsed.GetValue(pid),
            parsed.GetValue(swaps),
            parsed.GetValue(connections),
            parsed.GetValue(baseline),
            TimeSpan.FromSeconds(parsed.GetValue(limit)),
            parsed.GetRequiredValue(first),
            parsed.GetRequiredValue(second))));
        return command;
    }

    private static int Run(SwapOptions options)
    {
        try
        {
            using Administrator administrator = new(options.AdminSocket, options.FirstDirectory, options.SecondDirectory);
            administrator.Prepare();
            SwapFigures without = SwapRun.Baseline(options);
            long before = SwapRun.SettledKibibytes(options.ServerPid);
            SwapFigures with = SwapRun.WithSwaps(options, administrator);
            long after = SwapRun.SettledKibibytes(options.ServerPid);
            Print(without, with, before, after);
            return Verdict(options, [without, with], before, after);
        }
        catch (Exception failed) when (failed is IOException or SocketException)
        {
            Console.Error.WriteLine($"swaps: {failed.Message}");
            return 1;
        }
    }

    private static void Print(SwapFigures without, SwapFigures with, long before, long after)
    {
        Console.WriteLine("| | without swaps | with swaps | ratio |\n| --- | ---: | ---: | ---: |");
        Row("requests/s", without.Latencies.Count / without.Seconds, with.Latencies.Count / with.Seconds, "N0");
        Row("p50 µs", without.Latencies.Percentile(50) / 1e3, with.Latencies.Percentile(50) / 1e3, "N0");
        Row("p99 µs", without.Latencies.Percentile(99) / 1e3, with.Latencies.Percentile(99) / 1e3, "N0");
        Row("p99.9 µs", without.Latencies.Percentile(99.9) / 1e3, with.Latencies.Percentile(99.9) / 1e3, "N0");
        Row("max µs", without.Latencies.Max / 1e3, with.Latencies.Max / 1e3, "N0");
        Row("resident MiB, settled", before / 1024.0, after / 1024.0, "N1");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n{with.Swaps} swaps in {with.Seconds:N1} s, {with.Swaps / with.Seconds:N0} a second; {without.Latencies.Count + with.Latencies.Count} requests, {without.Failures + with.Failures} failed, {without.WrongKeys + with.WrongKeys} wrong keys."));
    }

    private static void Row(string name, double without, double with, string format)
    {
        string Text(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Text(without)} | {Text(with)} | {with / without:N2} |"));
    }

    private static int Verdict(SwapOptions options, SwapFigures[] runs, long before, long after)
    {
        List<string> faults = [];
        foreach (SwapFigures run in runs)
        {
            if (run.Failures > 0 || run.WrongKeys > 0)
            {
                faults.Add($"{run.Failures} requests failed and {run.WrongKeys} opened to a wrong key; the first: {run.FirstFailure}");
            }
        }

        if (runs[^1].Swaps < options.Swaps)
        {
            faults.Add($"{runs[^1].Swaps} of {options.Swaps} swaps were made in time");
        }

        if (after > before * MaxGrowth)
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"resident memory grew from {before} to {after} KiB, more than 10 %"));
        }

        faults.ForEach(static fault => Console.Error.WriteLine($"swaps: {fault}"));
        return faults.Count == 0 ? 0 : 1;
    }
}
