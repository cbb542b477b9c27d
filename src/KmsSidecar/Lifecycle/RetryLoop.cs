namespace KmsSidecar.Lifecycle;

/// <summary>Tries one thing in the background, after pauses that double up to <see cref="LongestPause"/>, until it has succeeded.</summary>
/// <param name="attempt">True when there is nothing left to try. What it throws is logged and counts as false.</param>
internal sealed class RetryLoop(Func<CancellationToken, Task<bool>> attempt, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    /// <summary>How long a mended file system may go unnoticed.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private CancellationTokenSource _end = new();
    private Task _run = Task.CompletedTask;

    /// <summary>Begins anew with the first pause. Calls are serialised by the caller, and never come from within an attempt.</summary>
    public void Begin()
    {
        _end.Cancel();
        _end = new CancellationTokenSource();
        _run = Task.WhenAll(_run, RunAsync(_end.Token));
    }

    /// <summary>Returns when no attempt is under way any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _run;
    }

    private async Task RunAsync(CancellationToken end)
    {
        TimeSpan pause = FirstPause;
        while (!await PauseAndTryAsync(pause, end))
        {
            pause = pause < LongestPause / 2 ? 2 * pause : LongestPause;
        }
    }

    private async Task<bool> PauseAndTryAsync(TimeSpan pause, CancellationToken end)
    {
        try
        {
            await Task.Delay(pause, clock, end);
            return await attempt(end);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception unexpected)
        {
            LifecycleLog.RetryFailed(log, unexpected);
            return false;
        }
    }
}
