namespace KmsSidecar.Background;

/// <summary>Work beside the requests, from its start until it is disposed.</summary>
/// <param name="run">Goes on until its token says that it is the end. That it ends by an exception then is no fault.</param>
internal sealed class BackgroundLoop(Func<CancellationToken, Task> run) : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private Task _run = Task.CompletedTask;
    private bool _disposed;

    /// <summary>To be called once.</summary>
    public void Start() => _run = RunAsync();

    /// <summary>Returns when the work has ended. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _end.CancelAsync();
        await _run;
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await run(_end.Token);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // Disposed.
        }
    }
}
