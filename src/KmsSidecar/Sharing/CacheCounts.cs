namespace KmsSidecar.Sharing;

/// <param name="Entries">Kept now; the others count from the beginning.</param>
internal readonly record struct CacheCounts(long Hits, long Misses, long Evictions, int Entries)
{
    public static CacheCounts operator +(CacheCounts one, CacheCounts other) => new(
        one.Hits + other.Hits, one.Misses + other.Misses, one.Evictions + other.Evictions, one.Entries + other.Entries);
}
