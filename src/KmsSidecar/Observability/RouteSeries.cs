using System.Globalization;
using System.Text;

namespace KmsSidecar.Observability;

/// <summary>The counters of one route. Lock-free: a reader may see a request in one of them and not yet in another.</summary>
internal sealed class RouteSeries(string route)
{
    /// <summary>Upper bounds in microseconds: 20 µs is what a data key takes, ten seconds what a person still waits.</summary>
    private static readonly long[] Bounds =
    [
        20, 40, 60, 100, 150, 250, 400, 600, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
    ];

    /// <summary>The statuses that the daemon gives; anything else is counted as 0 ("other").</summary>
    private static readonly int[] Statuses = [0, 200, 400, 403, 404, 405, 408, 409, 413, 500, 501, 502, 503, 504];

    private readonly long[] _byStatus = new long[Statuses.Length];
    private readonly long[] _byDuration = new long[Bounds.Length + 1];
    private long _microseconds;

    public void Count(int status, TimeSpan duration)
    {
        long microseconds = (long)duration.TotalMicroseconds;
        int bucket = Array.BinarySearch(Bounds, microseconds);
        Interlocked.Increment(ref _byStatus[Math.Max(0, Array.IndexOf(Statuses, status))]);
        Interlocked.Increment(ref _byDuration[bucket < 0 ? ~bucket : bucket]);
        Interlocked.Add(ref _microseconds, microseconds);
    }

    /// <summary>One sample for each status that has been given.</summary>
    public void WriteCounts(StringBuilder text, string family)
    {
        for (int i = 0; i < Statuses.Length; i++)
        {
            long count = Volatile.Read(ref _byStatus[i]);
            if (count > 0)
            {
                string status = i == 0 ? "other" : Statuses[i].ToString(CultureInfo.InvariantCulture);
                text.Append(CultureInfo.InvariantCulture, $"{family}{{route=\"{route}\",status=\"{status}\"}} {count}\n");
            }
        }
    }

    /// <summary>A histogram in microseconds; nothing while no request has come.</summary>
    public void WriteDurations(StringBuilder text, string family)
    {
        long[] counts = [.. _byDuration];
        if (counts.Sum() == 0)
        {
            return;
        }

        long total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            string bound = i < Bounds.Length ? Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{family}_bucket{{route=\"{route}\",le=\"{bound}\"}} {total}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{family}_sum{{route=\"{route}\"}} {Volatile.Read(ref _microseconds)}\n");
        text.Append(CultureInfo.InvariantCulture, $"{family}_count{{route=\"{route}\"}} {total}\n");
    }
}
