namespace KmsSidecar.Lifecycle;

/// <summary>Lets one change through at a time; those that wait can be cancelled.</summary>
internal sealed class ChangeLock : IDisposable
{
    private readonly SemaphoreSlim _free = new(1, 1);

    /// <summary>Disposing the result, exactly once, lets the next one in.</summary>
    /// <exception cref="ObjectDisposedException">No change comes after the last one.</exception>
    public async ValueTask<Holding> EnterAsync(CancellationToken cancellation)
    {
        await _free.WaitAsync(cancellation);
        return new Holding(_free);
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
