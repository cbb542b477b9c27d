namespace KmsSidecar.Vault;

/// <summary>So many calls at a time, and so many that wait for their turn.</summary>
internal sealed class Bulkhead(int slots, int places) : IDisposable
{
    private readonly SemaphoreSlim _free = new(slots);
    private int _waiting;

    public int InFlight => slots - _free.CurrentCount;

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits for a slot, where one of the places is free to wait in.</summary>
    /// <returns>False when there is none. True: <see cref="Leave"/> is called once.</returns>
    /// <exception cref="OperationCanceledException">Before there was a slot.</exception>
    public ValueTask<bool> TryEnterAsync(Func<CancellationTokenSource> makeDeadline, CancellationToken cancellation) =>
        _free.Wait(TimeSpan.Zero, CancellationToken.None) ? new(true) : WaitAsync(makeDeadline, cancellation);

    public void Leave() => _free.Release();

    public void Dispose() => _free.Dispose();

    private async ValueTask<bool> WaitAsync(Func<CancellationTokenSource> makeDeadline, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > places)
        {
            Interlocked.Decrement(ref _waiting);
            return false;
        }

        try
        {
            using CancellationTokenSource deadline = makeDeadline();
            using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
            await _free.WaitAsync(over.Token);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
