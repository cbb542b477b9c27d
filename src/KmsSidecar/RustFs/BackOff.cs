namespace KmsSidecar.RustFs;

/// <summary>Pauses that double, each somewhere between its half and its whole, so that the nodes of a cluster do not ask in step.</summary>
internal sealed class BackOff(TimeSpan first, TimeSpan longest)
{
    /// <summary>Null for the first.</summary>
    private TimeSpan? _next;

    public TimeSpan Next()
    {
        TimeSpan whole = _next ?? first;
        _next = whole < longest / 2 ? 2 * whole : longest;
        return whole * (0.5 + (Random.Shared.NextDouble() / 2));
    }

    public void Reset() => _next = null;
}
