using System.Numerics;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>Counts latencies in nanoseconds without allocating.</summary>
/// <remarks>
/// Log-linear: each power of two is cut into 64 equal buckets and a bucket reports its upper end, so a percentile is at most
/// 1/64 (1.6 %) above the true value and never below it. Not safe for concurrent use: one per thread, merged afterwards.
/// </remarks>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 6;
    private const int SubBuckets = 1 << SubBucketBits;

    // 2^37 ns are 137 s: a run's longest duration plus the time limit of its last request.
    private const int ValueBits = 37;
    private const long MaxValue = (1L << ValueBits) - 1;

    private readonly long[] _counts = new long[(ValueBits - SubBucketBits + 1) * SubBuckets];

    public long Count { get; private set; }

    /// <summary>The largest recorded latency, exact.</summary>
    public long Max { get; private set; }

    /// <param name="nanoseconds">Values outside 0 to 2^37 - 1 count as the nearer end.</param>
    public void Record(long nanoseconds)
    {
        long value = Math.Clamp(nanoseconds, 0, MaxValue);
        _counts[IndexOf(value)]++;
        Count++;
        Max = Math.Max(Max, value);
    }

    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The latency that <paramref name="percent"/> of the samples do not exceed; 0 without samples.</summary>
    public long Percentile(double percent)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(percent / 100 * Count));
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                return Math.Min(UpperEnd(i), Max);
            }
        }

        return Max;
    }

    // Values below 64 have a bucket each; from there on, a value keeps its top seven bits.
    private static int IndexOf(long value)
    {
        if (value < SubBuckets)
        {
            return (int)value;
        }

        int shift = BitOperations.Log2((ulong)value) - SubBucketBits;
        return (shift * SubBuckets) + (int)(value >> shift);
    }

    private static long UpperEnd(int index)
    {
        if (index < SubBuckets)
        {
            return index;
        }

        int shift = (index / SubBuckets) - 1;
        long topBits = SubBuckets + (index % SubBuckets);
        return ((topBits + 1) << shift) - 1;
    }
}
