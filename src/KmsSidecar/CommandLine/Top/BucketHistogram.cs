namespace KmsSidecar.CommandLine.Top;

/// <summary>How long requests took between two scrapes, in seconds.</summary>
internal sealed class BucketHistogram
{
    /// <summary>By upper bound: how many took no longer than it.</summary>
    private readonly SortedDictionary<double, double> _buckets = [];

    private double Count => _buckets.Count == 0 ? 0 : _buckets.Values.Last();

    /// <param name="bound">Label <c>le</c>; infinite for the last one.</param>
    /// <param name="risen">By how much that bucket has grown.</param>
    public void Add(double bound, double risen) => _buckets[bound] = _buckets.GetValueOrDefault(bound) + risen;

    /// <summary>As Prometheus' histogram_quantile() has it: within a bucket, requests are taken to be spread evenly.</summary>
    /// <returns>Null when there was no request.</returns>
    public double? Quantile(double share)
    {
        double rank = share * Count, lower = 0, below = 0;
        foreach ((double bound, double count) in _buckets)
        {
            if (count >= rank && count > below)
            {
                return double.IsInfinity(bound) ? lower : lower + ((bound - lower) * (rank - below) / (count - below));
            }

            (lower, below) = (bound, count);
        }

        return null;
    }

    /// <summary>No request took longer; infinite when it is beyond the last bound, null when there was no request.</summary>
    public double? Longest
    {
        get
        {
            double below = 0;
            double? longest = null;
            foreach ((double bound, double count) in _buckets)
            {
                longest = count > below ? bound : longest;
                below = count;
            }

            return longest;
        }
    }
}
