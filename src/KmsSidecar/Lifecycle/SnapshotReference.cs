namespace KmsSidecar.Lifecycle;

/// <summary>The one reference behind which the current snapshot stands. Reading and swapping take no lock.</summary>
internal sealed class SnapshotReference(Snapshot initial)
{
    private Snapshot _current = initial;

    /// <summary>For the one who publishes, while nobody else can: others take a lease.</summary>
    public Snapshot Current => Volatile.Read(ref _current);

    /// <summary>Takes the current snapshot for the length of one request; the caller disposes the lease.</summary>
    public SnapshotLease Acquire()
    {
        while (true)
        {
            Snapshot snapshot = Volatile.Read(ref _current);
            if (snapshot.TryAddUser())
            {
                return new SnapshotLease(snapshot);
            }

            // Swapped and released between the two lines: the reference already holds its successor.
        }
    }

    /// <summary>Makes <paramref name="next"/> current and takes it over; its predecessor goes with the last request that holds it.</summary>
    public void Publish(Snapshot next) => Interlocked.Exchange(ref _current, next).Release();
}
