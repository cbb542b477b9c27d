using System.Globalization;

namespace KmsSidecar.Observability;

/// <summary>How often something took how long. Lock-free: a reader may see a duration in one of the numbers and not yet in another.</summary>
internal sealed class DurationHistogram
{
    /// <summary>Upper bounds in ticks of 100 ns: 20 µs is what a data key takes, ten seconds what a person still waits.</summary>
    private static readonly long[] Bounds =
    [
        200, 400, 600, 1_000, 1_500, 2_500, 4_000, 6_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000, 100_000_000,
    ];

    private readonly long[] _counts = new long[Bounds.Length + 1];
    private long _ticks;

    public void Count(TimeSpan duration)
    {
        int bucket = Array.BinarySearch(Bounds, duration.Ticks);
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

    /// <summary>The upper bound of a bucket in seconds, as its label says it: with a point and without an exponent, so that both formats have the
    /// same series.</summary>
    public static string BoundOf(int bucket) =>
        bucket < Bounds.Length ? TimeSpan.FromTicks(Bounds[bucket]).TotalSeconds.ToString("0.0####", CultureInfo.InvariantCulture) : "+Inf";
}
