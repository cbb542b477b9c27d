namespace KmsSidecar.Lifecycle;

/// <summary>A snapshot for as long as one request needs it. Dispose exactly once.</summary>
internal readonly struct SnapshotLease(Snapshot snapshot) : IDisposable
{
    public Snapshot Snapshot { get; } = snapshot;

    public void Dispose() => Snapshot.Release();
}
