namespace KmsSidecar.Lifecycle;

/// <summary>The one reference behind which the current snapshot stands. Reading and swapping take no lock.</summary>
internal sealed class SnapshotReference(Snapshot initial, TimeProvider clock)
{
    private Snapshot _current = initial;
    private long _stateSince = clock.GetUtcNow().UtcTicks;
    private TaskCompletionSource _change = NewChange();

    /// <summary>Ends with the next publication. To miss none, take it before the snapshot that is looked at.</summary>
    public Task NextChange => Volatile.Read(ref _change).Task;

    /// <summary>For the one who publishes, while nobody else can: others take a lease.</summary>
    public Snapshot Current => Volatile.Read(ref _current);

    /// <summary>When the service came into the state that it is in, in this process.</summary>
    public DateTimeOffset StateSince => new(Volatile.Read(ref _stateSince), TimeSpan.Zero);

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
    public void Publish(Snapshot next)
    {
        Snapshot former = Interlocked.Exchange(ref _current, next);
        if (next.State != former.State)
        {
            Volatile.Write(ref _stateSince, clock.GetUtcNow().UtcTicks);
        }

        Interlocked.Exchange(ref _change, NewChange()).SetResult();
        former.Release();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
