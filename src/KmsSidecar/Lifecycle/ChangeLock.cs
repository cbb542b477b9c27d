namespace KmsSidecar.Lifecycle;

/// <summary>Lets one change through at a time; those that wait can be cancelled, and a stop has the others give way.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ChangeLock : IDisposable
{
    private readonly SemaphoreSlim _free = new(1, 1);
    private readonly Lock _gate = new();

    /// <summary>Of who is in; null while nobody is.</summary>
    private CancellationTokenSource? _inside;
    private CancellationTokenSource _othersWait = new();
    private int _waiting;
    private int _stopping;

    /// <summary>Disposing the result, exactly once, lets the next one in.</summary>
    /// <exception cref="ObjectDisposedException">No change comes after the last one.</exception>
    public async ValueTask<Holding> EnterAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await Volatile.Read(ref _othersWait).CancelAsync();
            await _free.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        lock (_gate)
        {
            _inside = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (_stopping > 0)
            {
                _inside.Cancel();
            }

            return new Holding(this, _inside.Token);
        }
    }

    /// <summary>The same for a stop: <see cref="Holding.Cancellation"/> of who is in, or comes in before it, is cancelled. So it cannot be cancelled itself.</summary>
    public async ValueTask<Holding> EnterToStopAsync()
    {
        lock (_gate)
        {
            _stopping++;
            _ = _inside?.CancelAsync();
        }

        try
        {
            await _free.WaitAsync();
            return new Holding(this, CancellationToken.None);
        }
        finally
        {
            lock (_gate)
            {
                _stopping--;
            }
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

    private void Leave()
    {
        lock (_gate)
        {
            _inside?.Dispose();
            _inside = null;
        }

        _free.Release();
    }

    /// <param name="cancellation">Cancelled as the caller's own is, and when a stop comes.</param>
    internal readonly struct Holding(ChangeLock owner, CancellationToken cancellation) : IDisposable
    {
        public CancellationToken Cancellation => cancellation;

        public void Dispose() => owner.Leave();
    }
}
