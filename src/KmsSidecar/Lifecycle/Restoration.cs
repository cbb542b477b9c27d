using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>Brings the service back after a restart, and goes on trying what could not be opened.</summary>
internal sealed class Restoration : IAsyncDisposable
{
    private readonly ConfigurationStore _store;
    private readonly Activation _activation;
    private readonly SnapshotReference _reference;
    private readonly ChangeLock _changes;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly RetryLoop _retries;

    public Restoration(
        ConfigurationStore store, Activation activation, SnapshotReference reference, ChangeLock changes, TimeProvider clock, ILogger log)
    {
        _store = store;
        _activation = activation;
        _reference = reference;
        _changes = changes;
        _clock = clock;
        _log = log;
        _retries = new RetryLoop(CompleteAsync, clock, log);
    }

    /// <summary>Returns when no attempt is under way any more.</summary>
    public ValueTask DisposeAsync() => _retries.DisposeAsync();

    /// <summary>Comes back as the process was left: same configuration, running if it was. Where that is not possible yet the state is
    /// Error, and it is tried again until it is, or until an operator changes something.</summary>
    public async Task RestoreAsync(CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        using StoredGeneration? stored = _store.LoadNewest();
        if (stored is null)
        {
            return;
        }

        _store.LastUses.Load(stored.DecryptOnly, _clock.GetUtcNow());
        _reference.Publish(Snapshot.Configured(stored.Number, stored.Document, stored.DecryptOnly));
        if (_store.WasRunning(stored))
        {
            // The process is not ready before this is done, and whoever started it does not wait for long.
            await ComeBackAsync(inTime: true, cancellation);
            RetryIfIncomplete();
        }
    }

    /// <summary>Runs again as before the restart. Needs no room on the disk.</summary>
    private async Task ComeBackAsync(bool inTime, CancellationToken cancellation)
    {
        try
        {
            await _activation.RunAsync(
                _reference.Current,
                OpenMode.Existing,
                shareable: [],
                (backend, configuration) => DefaultKey.RequireAsBeforeAsync(backend, configuration, cancellation),
                static () => { },
                cancellation,
                inTime);
            LifecycleLog.Restored(_log, _reference.Current.Generation, _reference.Current.Configuration!.Summary);
        }
        catch (KmsException failed)
        {
            if (failed.Message != _reference.Current.Error)
            {
                LifecycleLog.StartFailed(_log, failed.Message);
            }

            _reference.Publish(Snapshot.Failed(_reference.Current, failed.Message, isMeantToRun: true));
        }
    }

    /// <summary>Something that is meant to be open is not: it is tried again in the background.</summary>
    public void RetryIfIncomplete()
    {
        if (_reference.Current.IsIncomplete)
        {
            _retries.Begin();
        }
    }

    /// <summary>One attempt of the retry loop. It gives way to an operator, who need not wait for a server that does not answer.</summary>
    private async Task<bool> CompleteAsync(CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(change.Cancellation, _changes.OthersWait());
        try
        {
            if (_reference.Current.IsIncomplete)
            {
                await (_reference.Current.IsRunning ? _activation.ReopenDecryptOnlyAsync(over.Token) : ComeBackAsync(inTime: false, over.Token));
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The next attempt comes after the operator's change.
        }

        return !_reference.Current.IsIncomplete;
    }
}
