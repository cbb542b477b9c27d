using System.Globalization;

namespace KmsSidecar.Observability;

/// <summary>The counters of the requests of one kind. Lock-free: a reader may see a request in one of them and not yet in another.</summary>
internal sealed class RequestSeries
{
    /// <summary>The statuses that the daemon gives; anything else is counted as 0 ("other").</summary>
    private static readonly int[] Statuses = [0, 200, 400, 403, 404, 405, 408, 409, 413, 499, 500, 501, 502, 503, 504];

    private const int Results = (int)RequestResult.Error + 1;

    private readonly long[] _counts = new long[Results * Statuses.Length];

    public DurationHistogram Durations { get; } = new();

    public void Count(RequestResult result, int status, TimeSpan duration)
    {
        Interlocked.Increment(ref _counts[((int)result * Statuses.Length) + Math.Max(0, Array.IndexOf(Statuses, status))]);
        Durations.Count(duration);
    }

    public long CountOf(RequestResult result)
    {
        long count = 0;
        for (int i = 0; i < Statuses.Length; i++)
        {
            count += Interlocked.Read(ref _counts[((int)result * Statuses.Length) + i]);
        }

        return count;
    }

    /// <summary>One sample for each result and status that there has been.</summary>
    /// <param name="labels">Of this kind of request.</param>
    public void WriteCounts(MetricsText text, string labels)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            long count = Interlocked.Read(ref _counts[i]);
            if (count > 0)
            {
                int status = Statuses[i % Statuses.Length];
                string name = status == 0 ? "other" : status.ToString(CultureInfo.InvariantCulture);
                text.Add(count, $"{labels},result=\"{((RequestResult)(i / Statuses.Length)).Tag()}\",status=\"{name}\"");
            }
        }
    }
}
