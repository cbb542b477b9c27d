using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>The service as the playbook describes it: configure, start, stop, reconfigure and roll back, without a restart.</summary>
/// <remarks>
/// Every change has the same four steps under one lock: build and check a whole new snapshot, store it, publish it, log it.
/// A failure in the first two changes nothing. Requests take the current snapshot without a lock and keep it until they end.
/// </remarks>
internal sealed class KmsService : IAsyncDisposable
{
    private readonly ChangeLock _changes = new();
    private readonly SnapshotReference _reference = new(new Snapshot { State = ServiceState.NotConfigured });
    private readonly ConfigurationStore _store;
    private readonly Activation _activation;
    private readonly Restoration _restoration;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private bool _disposed;

    public KmsService(ConfigurationStore store, BackendOpener open, TimeProvider clock, ILoggerFactory logs)
    {
        _store = store;
        _clock = clock;
        _log = logs.CreateLogger("rustfs::kms::lifecycle");
        _activation = new Activation(new BackendMounts(open), _reference, _log);
        _restoration = new Restoration(store, _activation, _reference, _changes, clock, _log);
    }

    /// <summary>Only touched under <see cref="_changes"/>.</summary>
    private Snapshot Current => _reference.Current;

    /// <summary>The snapshot for one request. Never blocks.</summary>
    public SnapshotLease Acquire() => _reference.Acquire();

    /// <summary>Comes back as the process was left: same configuration, running if it was. Where that is not possible yet the state is
    /// Error, and it is tried again until it is, or until an operator changes something.</summary>
    public Task RestoreAsync(CancellationToken cancellation) => _restoration.RestoreAsync(cancellation);

    /// <summary>Replaces the whole configuration and does not start. Refused while running.</summary>
    /// <returns>The new state.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<ServiceState> ConfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        using ConfigurationPatch patch = ConfigurationPatch.Read(body.Span, current: null, "configure replaces the whole configuration");
        using ConfigurationDocument document = ConfigurationDocument.Replace(patch, patch.Backend!.Value);
        KmsConfiguration.From(document);
        if (Current.IsRunning)
        {
            throw new KmsException(KmsError.WrongState, "cannot configure while the service is running; use reconfigure, or stop it first");
        }

        using StoredGeneration generation = Next("configure", actor, document, Current.ParentOfNext, isMeantToRun: false);
        _store.Append(generation);
        _reference.Publish(Snapshot.Configured(generation.Number, document, generation.DecryptOnly));
        LogChange(generation);
        return ServiceState.Configured;
    }

    /// <summary>Merges into the configuration and keeps the run state. A running service goes on with the new snapshot once that has
    /// been built, checked and stored.</summary>
    /// <returns>The state: Running if it was or was waiting to be again, otherwise Configured.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<ServiceState> ReconfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        using ConfigurationPatch patch = ConfigurationPatch.Read(
            body.Span, Current.Document?.Backend, "there is no configuration yet that it could be taken from");
        using ConfigurationDocument document =
            Current.Document?.Merge(patch) ?? ConfigurationDocument.Replace(patch, patch.Backend!.Value);
        await ReplaceAsync("reconfigure", Current.ParentOfNext, document, actor, cancellation);
        return Current.State;
    }

    /// <summary>Goes back to an earlier configuration, with the checks of a reconfigure.</summary>
    /// <param name="number">Null for the one before the current.</param>
    /// <returns>The generation whose configuration is now in effect.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<long> RollbackAsync(long? number, Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        if (Current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration to roll back");
        }

        long target = number ?? _store.ParentOf(Current.Generation) ?? throw new KmsException(
            KmsError.WrongState, $"generation {Current.Generation} has none before it: there is nothing to go back to");
        using StoredGeneration former = _store.Load(target) ?? throw new KmsException(
            KmsError.KeyNotFound, $"generation {target} is not kept; GET /rustfs/admin/v3/kms/config/history lists those that are");
        await ReplaceAsync("rollback", former.Parent, former.Document, actor, cancellation);
        return target;
    }

    /// <param name="force">Rebuilds a running service; without it, starting twice is refused.</param>
    /// <returns>Whether it was running before.</returns>
    public async Task<bool> StartAsync(bool force, Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        if (Current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration yet; POST /rustfs/admin/v3/kms/configure first");
        }

        bool wasRunning = Current.IsRunning;
        if (wasRunning && !force)
        {
            throw new KmsException(KmsError.WrongState, "the service is already running; {\"force\":true} rebuilds it");
        }

        try
        {
            await _activation.RunAsync(
                Current,
                OpenMode.CreateMissing,
                shareable: [],
                (backend, configuration) => DefaultKey.EnsureAsync(backend, configuration, _log, cancellation),
                () => _store.MarkRunning(Current.Generation, running: true),
                cancellation);
        }
        catch (KmsException failed) when (!wasRunning)
        {
            _reference.Publish(Snapshot.Failed(Current, failed.Message, Current.IsMeantToRun));
            throw;
        }

        _restoration.RetryIfIncomplete();
        LifecycleLog.Started(_log, Current.Generation, Current.Configuration!.Summary, actor.Who, actor.From);
        return wasRunning;
    }

    /// <summary>Refuses new key operations at once, lets those in flight finish, keeps the configuration.</summary>
    /// <returns>The new state: Configured, or NotConfigured when there is no configuration.</returns>
    public async Task<ServiceState> StopAsync(Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        if (Current.Document is null)
        {
            return ServiceState.NotConfigured;
        }

        _store.MarkRunning(Current.Generation, running: false);
        _reference.Publish(Snapshot.Configured(Current.Generation, Current.Document, Current.DecryptOnlyDocuments));
        LifecycleLog.Stopped(_log, Current.Generation, actor.Who, actor.From);
        return ServiceState.Configured;
    }

    /// <summary>Changes keys of the active backend, while nothing else changes.</summary>
    /// <param name="change">Gets the snapshot in effect, whose first backend is the active one.</param>
    public async Task<T> ChangeKeysAsync<T>(Func<Snapshot, Task<T>> change, CancellationToken cancellation)
    {
        using ChangeLock.Holding holding = await _changes.EnterAsync(cancellation);
        return Current.IsRunning ? await change(Current) : throw new KmsException(KmsError.NotRunning);
    }

    /// <summary>Zeroes everything; the last requests have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _restoration.DisposeAsync();
        await _changes.CloseAsync();
        _reference.Publish(new Snapshot { State = ServiceState.NotConfigured });
    }

    /// <summary>The common part of reconfigure and rollback.</summary>
    private async Task ReplaceAsync(
        string action, long? parent, ConfigurationDocument document, Actor actor, CancellationToken cancellation)
    {
        using StoredGeneration generation = Next(action, actor, document, parent, Current.IsMeantToRun);
        Snapshot configured = Snapshot.Configured(generation.Number, document, generation.DecryptOnly);
        if (!Current.IsMeantToRun)
        {
            _store.Append(generation);
            _reference.Publish(configured);
        }
        else
        {
            try
            {
                await _activation.RunAsync(
                    configured,
                    OpenMode.CreateMissing,
                    shareable: Current.Backends,
                    (backend, configuration) => DefaultKey.CheckAsync(backend, configuration, document, Current, _log, cancellation),
                    () => _store.Append(generation),
                    cancellation);
            }
            finally
            {
                configured.Release();
            }

            _restoration.RetryIfIncomplete();
        }

        LogChange(generation);
    }

    private StoredGeneration Next(string action, Actor actor, ConfigurationDocument document, long? parent, bool isMeantToRun) => new()
    {
        Number = _store.NextNumber(),
        Parent = parent,
        SavedAt = _clock.GetUtcNow(),
        Action = action,
        Actor = actor,
        Changed = [.. ConfigurationDocument.Difference(Current.Document, document)],
        Running = isMeantToRun,
        DecryptOnly = Current.DecryptOnlyBeside(document),
        Document = document.Clone(),
    };

    private void LogChange(StoredGeneration generation) => LifecycleLog.Changed(
        _log, generation.Action, generation.Number, Current.Configuration!.Summary, string.Join(' ', generation.Changed), generation.Actor.Who, generation.Actor.From);
}
