using KmsSidecar.Errors;

namespace KmsSidecar.Lifecycle;

/// <summary>Notes every minute, and at the end, when decrypt-only backends were last used: a killed process loses no more than that minute.</summary>
internal sealed class LastUseRecorder(LastUses uses, SnapshotReference reference, ChangeLock changes, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _end = new();
    private Task _run = Task.CompletedTask;

    /// <summary>Begins; once.</summary>
    public void Begin() => _run = RunAsync();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _run;
        await NoteAsync();
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer minute = new(Interval, clock);
        try
        {
            while (await minute.WaitForNextTickAsync(_end.Token))
            {
                await NoteAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The service ends.
        }
    }

    private async Task NoteAsync()
    {
        using ChangeLock.Holding change = await changes.EnterAsync(CancellationToken.None);
        try
        {
            uses.Note(reference.Current.DecryptOnly, clock.GetUtcNow());
        }
        catch (KmsException refused)
        {
            LifecycleLog.LastUsesNotStored(log, refused.Message);
        }
    }
}
