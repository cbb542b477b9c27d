using System.Globalization;
using KmsSidecar.Bench.Load;
using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Swaps;

/// <summary>Figures of one run under load.</summary>
internal sealed record SwapFigures(LatencyHistogram Latencies, double Seconds, int Swaps, long Failures, long WrongKeys, string? FirstFailure);

/// <summary>Loads the data socket from a thread for each connection, while the calling thread does what the run is about.</summary>
internal static class SwapRun
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A run without changes.</summary>
    public static SwapFigures Baseline(SwapOptions options) => UnderLoad(options, () =>
    {
        Thread.Sleep(TimeSpan.FromSeconds(options.BaselineSeconds));
        return 0;
    });

    /// <summary>A run with the changes, as fast as the daemon makes them.</summary>
    /// <exception cref="IOException">The daemon refused a change.</exception>
    public static SwapFigures WithSwaps(SwapOptions options, Administrator administrator) => UnderLoad(options, () =>
    {
        long deadline = MonotonicClock.Now + MonotonicClock.Nanoseconds(options.Limit);
        int made = 0;
        while (made < options.Swaps && MonotonicClock.Now < deadline)
        {
            administrator.Swap(made);
            made++;
        }

        return made;
    });

    /// <summary>Resident memory in KiB, once the load is gone and the daemon had time to give back what it does not need.</summary>
    public static long SettledKibibytes(int pid)
    {
        Thread.Sleep(TimeSpan.FromSeconds(3));
        string line = File.ReadLines($"/proc/{pid}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim(), CultureInfo.InvariantCulture);
    }

    private static SwapFigures UnderLoad(SwapOptions options, Func<int> work)
    {
        RoundTrip[] trips = [.. Enumerable.Range(0, options.Connections).Select(_ => new RoundTrip(LocalTarget.Connect(options.DataSocket, AnswerTimeout)))];
        using CancellationTokenSource stop = new();
        Thread[] threads = [.. trips.Select(trip => new Thread(() => trip.Run(stop.Token), 256 * 1024))];
        try
        {
            long started = MonotonicClock.Now;
            Array.ForEach(threads, static thread => thread.Start());
            int swaps;
            try
            {
                swaps = work();
            }
            finally
            {
                stop.Cancel();
                Array.ForEach(threads, static thread => thread.Join());
            }

            double seconds = (MonotonicClock.Now - started) / (double)MonotonicClock.NanosecondsPerSecond;
            LatencyHistogram all = new();
            Array.ForEach(trips, trip => all.Add(trip.Latencies));
            return new SwapFigures(
                all, seconds, swaps, trips.Sum(static trip => trip.Failures), trips.Sum(static trip => trip.WrongKeys),
                trips.Select(static trip => trip.FirstFailure).FirstOrDefault(static failure => failure is not null));
        }
        finally
        {
            Array.ForEach(trips, static trip => trip.Dispose());
        }
    }
}
