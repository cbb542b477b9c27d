using System.CommandLine;
using System.Globalization;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Top;

/// <summary><c>top</c>: what the daemon does right now.</summary>
internal static class TopCommand
{
    private const double DefaultInterval = 1;
    private const double ShortestInterval = 0.2;
    private const double LongestInterval = 60;

    private static readonly Option<string?> Interval = new("--interval")
    {
        Description = $"Seconds between two looks, from {ShortestInterval.ToString(CultureInfo.InvariantCulture)} to {LongestInterval} [default: {DefaultInterval}]",
        HelpName = "SECONDS",
    };

    private static readonly Option<bool> Once = new("--once") { Description = "Print the numbers of one interval and end, as is done where there is no terminal" };

    public static Command Build()
    {
        Command command = new(
            "top",
            "Show what the daemon does right now: rates, latencies and failures by operation and surface, its backend, caches, keys, and what ends soon. Key q ends it.")
        {
            Interval, Once,
        };
        DaemonConnection.AddTo(command);
        CommandRun.Set(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        TimeSpan interval = ReadInterval(result.GetValue(Interval));
        using DaemonClient daemon = DaemonConnection.Open(result);
        TopFeed feed = new(daemon, interval);
        await feed.LookAsync(cancellation);
        bool asJson = result.GetValue(DaemonConnection.Json);
        if (!asJson && !result.GetValue(Once) && !Console.IsOutputRedirected)
        {
            await TopLoop.RunAsync(feed, cancellation);
            return ExitCode.Ok;
        }

        await Task.Delay(interval, cancellation);
        await feed.LookAsync(cancellation);
        if (asJson)
        {
            JsonText.Write(writer => TopJson.Write(writer, feed.View));
        }
        else
        {
            Console.Out.WriteLine(string.Join('\n', feed.Draw(columns: 120, rows: 100)).TrimEnd());
        }

        return ExitCode.Ok;
    }

    private static TimeSpan ReadInterval(string? text)
    {
        double seconds = DefaultInterval;
        bool isGood = text is null
            || (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out seconds) && seconds is >= ShortestInterval and <= LongestInterval);
        return isGood
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandFault(ExitCode.Usage, $"--interval {text}: expected seconds from {ShortestInterval.ToString(CultureInfo.InvariantCulture)} to {LongestInterval}");
    }
}
