namespace KmsSidecar.Lifecycle;

/// <summary>Lets one change through at a time; those that wait can be cancelled.</summary>
internal sealed class ChangeLock : IDisposable
{
    private readonly SemaphoreSlim _free = new(1, 1);
    private CancellationTokenSource _othersWait = new();
    private int _waiting;

    /// <summary>Disposing the result, exactly once, lets the next one in.</summary>
    /// <exception cref="ObjectDisposedException">No change comes after the last one.</exception>
    public async ValueTask<Holding> EnterAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await Volatile.Read(ref _othersWait).CancelAsync();
            await _free.WaitAsync(cancellation);
            return new Holding(_free);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Cancelled as soon as somebody else waits. For the one who is in, with work that can be done later as well.</summary>
    public CancellationToken OthersWait()
    {
        CancellationTokenSource others = new();
        Interlocked.Exchange(ref _othersWait, others);
        if (Volatile.Read(ref _waiting) > 0)
        {
            others.Cancel();
        }

        return others.Token;
    }

    /// <summary>Waits for the change under way; none comes after it.</summary>
    public async ValueTask CloseAsync()
    {
        await _free.WaitAsync();
        Dispose();
    }

    public void Dispose() => _free.Dispose();

    internal readonly struct Holding(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
