using System.Globalization;

namespace KmsSidecar.Observability;

/// <summary>How often something took how long. Lock-free: a reader may see a duration in one of the numbers and not yet in another.</summary>
internal sealed class DurationHistogram
{
    /// <summary>Upper bounds in seconds: 20 µs is what a data key takes, ten seconds what a person still waits.</summary>
    private static readonly double[] Bounds =
    [
        0.00002, 0.00004, 0.00006, 0.0001, 0.00015, 0.00025, 0.0004, 0.0006, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10,
    ];

    private static readonly long[] BoundTicks = [.. Bounds.Select(static bound => TimeSpan.FromSeconds(bound).Ticks)];

    private readonly long[] _counts = new long[Bounds.Length + 1];
    private long _ticks;

    public void Count(TimeSpan duration)
    {
        int bucket = Array.BinarySearch(BoundTicks, duration.Ticks);
        Interlocked.Increment(ref _counts[bucket < 0 ? ~bucket : bucket]);
        Interlocked.Add(ref _ticks, duration.Ticks);
    }

    /// <summary>Counts what another one has counted.</summary>
    public void Add(DurationHistogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            Interlocked.Add(ref _counts[i], Interlocked.Read(ref other._counts[i]));
        }

        Interlocked.Add(ref _ticks, Interlocked.Read(ref other._ticks));
    }

    /// <param name="sum">In seconds.</param>
    /// <returns>By bucket, each for itself.</returns>
    public long[] Read(out double sum)
    {
        long[] counts = new long[_counts.Length];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = Interlocked.Read(ref _counts[i]);
        }

        sum = TimeSpan.FromTicks(Interlocked.Read(ref _ticks)).TotalSeconds;
        return counts;
    }

    /// <summary>The upper bound of a bucket, as its label says it: with a point and without an exponent, so that both formats have the same series.</summary>
    public static string BoundOf(int bucket) => bucket < Bounds.Length ? Bounds[bucket].ToString("0.0####", CultureInfo.InvariantCulture) : "+Inf";
}
