using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>The service as the playbook describes it: configure, start, stop, reconfigure and roll back, without a restart.</summary>
/// <remarks>
/// Every change of the configuration has the same four steps under one lock: build and check a whole new snapshot, store it, publish it, log it.
/// A failure in the first two changes nothing. Requests take the current snapshot without a lock and keep it until they end.
/// </remarks>
internal sealed class KmsService : IAsyncDisposable
{
    private readonly ChangeLock _changes = new();

    /// <summary>Entered after <see cref="_changes"/>, by what operators ask for but a stop.</summary>
    private readonly ChangeLock _keyChanges = new();
    private readonly SnapshotReference _reference;
    private readonly ConfigurationStore _store;
    private readonly Activation _activation;
    private readonly Rehearsal _rehearsal;
    private readonly Restoration _restoration;
    private readonly LastUseRecorder _lastUses;
    private readonly ConfigurationRequests _requests;
    private readonly NextGeneration _next;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private bool _disposed;

    /// <param name="missingParts">Null where opening makes nothing.</param>
    /// <param name="unwrap">Null where there are no wrapping tokens.</param>
    public KmsService(
        ConfigurationStore store,
        BackendOpener open,
        TimeProvider clock,
        ILoggerFactory logs,
        MissingParts? missingParts = null,
        SecretIdUnwrapper? unwrap = null)
    {
        _requests = new ConfigurationRequests(unwrap);
        _store = store;
        _clock = clock;
        _reference = new SnapshotReference(new Snapshot { State = ServiceState.NotConfigured }, clock);
        _next = new NextGeneration(store, _reference, clock);
        _log = logs.CreateLogger("rustfs::kms::lifecycle");
        BackendMounts mounts = new(open, clock);
        _activation = new Activation(mounts, _reference, _log);
        _rehearsal = new Rehearsal(mounts, missingParts ?? (static _ => []));
        _restoration = new Restoration(store, _activation, _reference, _changes, clock, _log);
        _lastUses = new LastUseRecorder(store.LastUses, _reference, _changes, clock, _log);
    }

    /// <summary>Only touched under <see cref="_changes"/>.</summary>
    private Snapshot Current => _reference.Current;

    /// <summary>Number of the configuration in effect; 0 for none. May be read on any thread.</summary>
    public long Generation => _reference.Current.Generation;

    /// <inheritdoc cref="SnapshotReference.NextChange"/>
    public Task NextChange => _reference.NextChange;

    /// <summary>Of what kind the active backend is; null while none is. For counting: the next moment it may be another.</summary>
    public BackendType? ActiveBackend => _reference.Current is { IsRunning: true } running ? running.Configuration!.Backend : null;

    public ChangeCounts Changes { get; } = new();

    /// <inheritdoc cref="SnapshotReference.StateSince"/>
    public DateTimeOffset StateSince => _reference.StateSince;

    /// <summary>The snapshot for one request. Never blocks.</summary>
    public SnapshotLease Acquire() => _reference.Acquire();

    /// <summary>Comes back as the process was left: same configuration, running if it was. Where that is not possible yet the state is
    /// Error, and it is tried again until it is, or until an operator changes something.</summary>
    public Task RestoreAsync(CancellationToken cancellation)
    {
        _lastUses.Begin();
        return _restoration.RestoreAsync(cancellation);
    }

    /// <summary>Replaces the whole configuration and does not start. Refused while running.</summary>
    /// <returns>The new state.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public Task<ServiceState> ConfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation) => ChangeAsync(
        "configure",
        async cancelled =>
        {
            using ConfigurationDocument document = await _requests.ReadConfigureAsync(Current, body, cancelled);
            using StoredGeneration generation = _next.Configured(document, actor);
            _store.Append(generation);
            _reference.Publish(Snapshot.Configured(generation.Number, generation.Document, generation.DecryptOnly));
            LogChange(generation);
            return ServiceState.Configured;
        },
        cancellation);

    /// <summary>Merges into the configuration and keeps the run state. A running service goes on with the new snapshot once that has
    /// been built, checked and stored.</summary>
    /// <returns>The state: Running if it was or was waiting to be again, otherwise Configured.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public Task<ServiceState> ReconfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation) => ChangeAsync(
        "reconfigure",
        async cancelled =>
        {
            using ConfigurationDocument document = await _requests.ReadReconfigureAsync(Current, body, cancelled);
            using StoredGeneration generation = _next.Reconfigured(document, actor);
            await ReplaceAsync(generation, cancelled);
            return Current.State;
        },
        cancellation);

    /// <summary>Goes back to an earlier configuration, with the checks of a reconfigure. Every backend that is readable now stays
    /// readable, and those that the earlier generation names and that were dropped since come back.</summary>
    /// <param name="number">Null for the one before the current.</param>
    /// <returns>The generation whose configuration is now in effect.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public Task<long> RollbackAsync(long? number, Actor actor, CancellationToken cancellation) => ChangeAsync(
        "rollback",
        async cancelled =>
        {
            (StoredGeneration generation, long target) = _next.RolledBack(number, actor);
            using StoredGeneration owned = generation;
            await ReplaceAsync(generation, cancelled);
            return target;
        },
        cancellation);

    /// <summary>Takes a backend off the decrypt-only list: what it wrapped cannot be opened any more.</summary>
    /// <param name="force">Also when it is still in use, or not known to be out of use.</param>
    /// <exception cref="KmsException">KeyNotFound: there is none of that name. WrongState: it is still needed. Nothing has changed.</exception>
    public Task DropDecryptOnlyAsync(string name, bool force, Actor actor, CancellationToken cancellation) => ChangeAsync(
        "drop",
        async cancelled =>
        {
            DecryptOnlyEntry dropped = Current.DecryptOnly.FirstOrDefault(entry => entry.Name == name) ?? throw new KmsException(
                KmsError.KeyNotFound, "there is no decrypt-only backend of that name; GET /rustfs/admin/v3/kms/status lists them");
            if (!force)
            {
                int? keys = Current.MountOf(dropped)?.Backend?.KeyCount;
                dropped.RefuseDropWhileNeeded(_clock.GetUtcNow(), Current.Configuration!.DecryptOnlyGrace, keys);
            }

            using StoredGeneration generation = _next.Without(dropped, actor);
            await ReplaceAsync(
                generation,
                OpenMode.Existing,
                (backend, configuration) => DefaultKey.RequireAsBeforeAsync(backend, configuration, cancelled),
                cancelled);
            return Current.State;
        },
        cancellation);

    /// <summary>Does all the checks of <see cref="ConfigureAsync"/> and changes nothing, on disk or in memory.</summary>
    /// <exception cref="KmsException">What the real call would throw.</exception>
    public Task<ChangePreview> PreviewConfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation) => PreviewAsync(
        () =>
        {
            using ConfigurationDocument document = ConfigurationRequests.RehearseConfigure(Current, body);
            return _next.Configured(document, actor);
        },
        cancellation);

    /// <summary>Does all the checks of <see cref="ReconfigureAsync"/> and changes nothing, on disk or in memory.</summary>
    /// <exception cref="KmsException">What the real call would throw.</exception>
    public Task<ChangePreview> PreviewReconfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation) => PreviewAsync(
        () =>
        {
            using ConfigurationDocument document = ConfigurationRequests.RehearseReconfigure(Current, body);
            return _next.Reconfigured(document, actor);
        },
        cancellation);

    /// <summary>Does all the checks of <see cref="RollbackAsync"/> and changes nothing, on disk or in memory.</summary>
    /// <exception cref="KmsException">What the real call would throw.</exception>
    public Task<ChangePreview> PreviewRollbackAsync(long? number, Actor actor, CancellationToken cancellation) =>
        PreviewAsync(() => _next.RolledBack(number, actor).Generation, cancellation);

    /// <param name="force">Rebuilds a running service; without it, starting twice is refused.</param>
    /// <returns>Whether it was running before.</returns>
    public Task<bool> StartAsync(bool force, Actor actor, CancellationToken cancellation) => ChangeAsync(
        "start",
        async cancelled =>
        {
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
                    (backend, configuration) => DefaultKey.EnsureAsync(backend, configuration, _log, cancelled),
                    () => _store.MarkRunning(Current.Generation, running: true),
                    cancelled);
            }
            catch (KmsException failed) when (!wasRunning)
            {
                _reference.Publish(Snapshot.Failed(Current, failed.Message, Current.IsMeantToRun));
                throw;
            }

            _restoration.RetryIfIncomplete();
            LifecycleLog.Started(_log, Current.Generation, Current.Configuration!.Summary, actor.Who, actor.From);
            return wasRunning;
        },
        cancellation);

    /// <summary>Refuses new key operations at once, lets those in flight finish, keeps the configuration. Another change that is under way,
    /// and may be waiting for a server, gives way; a change of keys ends as it would.</summary>
    /// <returns>The new state: Configured, or NotConfigured when there is no configuration.</returns>
    public async Task<ServiceState> StopAsync(Actor actor)
    {
        using ChangeCounts.Attempt attempt = Changes.Begin("stop");
        using ChangeLock.Holding change = await _changes.EnterToStopAsync();
        if (Current.Document is null)
        {
            attempt.Succeeded();
            return ServiceState.NotConfigured;
        }

        _store.MarkRunning(Current.Generation, running: false);
        _reference.Publish(Snapshot.Configured(Current.Generation, Current.Document, Current.DecryptOnly));
        LifecycleLog.Stopped(_log, Current.Generation, actor.Who, actor.From);
        attempt.Succeeded();
        return ServiceState.Configured;
    }

    /// <summary>Changes keys of the active backend, while no operator changes anything else but that the service may be stopped.</summary>
    /// <param name="change">Gets the snapshot in effect, whose first backend is the active one.</param>
    public async Task<T> ChangeKeysAsync<T>(Func<Snapshot, Task<T>> change, CancellationToken cancellation)
    {
        using ChangeLock.Holding holding = await _keyChanges.EnterAsync(cancellation);
        using SnapshotLease lease = Acquire();
        return lease.Snapshot.IsRunning ? await change(lease.Snapshot) : throw new KmsException(KmsError.NotRunning);
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
        await _lastUses.DisposeAsync();
        await _changes.CloseAsync();
        await _keyChanges.CloseAsync();
        _activation.Dispose();
        _reference.Publish(new Snapshot { State = ServiceState.NotConfigured });
    }

    private async Task<T> ChangeAsync<T>(string kind, Func<CancellationToken, Task<T>> change, CancellationToken cancellation)
    {
        using ChangeCounts.Attempt attempt = Changes.Begin(kind);
        T result = await AloneAsync(change, cancellation);
        attempt.Succeeded();
        return result;
    }

    private Task<ChangePreview> PreviewAsync(Func<StoredGeneration> prepare, CancellationToken cancellation) => AloneAsync(
        async cancelled =>
        {
            using StoredGeneration generation = prepare();
            return await _rehearsal.RunAsync(generation, Current, cancelled);
        },
        cancellation);

    /// <summary>While nothing else changes, keys included.</summary>
    /// <exception cref="KmsException">What <paramref name="change"/> throws, or WrongState where it gave way to a stop.</exception>
    private async Task<T> AloneAsync<T>(Func<CancellationToken, Task<T>> change, CancellationToken cancellation)
    {
        using ChangeLock.Holding holding = await _changes.EnterAsync(cancellation);
        try
        {
            using ChangeLock.Holding keys = await _keyChanges.EnterAsync(holding.Cancellation);
            return await change(holding.Cancellation);
        }
        catch (OperationCanceledException) when (holding.Cancellation.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new KmsException(KmsError.WrongState, "this gave way to a stop; the configuration is as it was");
        }
    }

    /// <summary>The common part of reconfigure and rollback.</summary>
    private Task ReplaceAsync(StoredGeneration generation, CancellationToken cancellation) => ReplaceAsync(
        generation,
        OpenMode.CreateMissing,
        (backend, configuration) => DefaultKey.CheckAsync(backend, configuration, generation.Document, Current, _log, cancellation),
        cancellation);

    /// <summary>Puts a generation into effect, running if the service is meant to run.</summary>
    private async Task ReplaceAsync(
        StoredGeneration generation, OpenMode mode, Func<IKeyBackend, KmsConfiguration, Task> check, CancellationToken cancellation)
    {
        Snapshot configured = Snapshot.Configured(generation.Number, generation.Document, generation.DecryptOnly);
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
                    configured, mode, shareable: Current.Backends, check, () => _store.Append(generation), cancellation);
            }
            finally
            {
                configured.Release();
            }

            _restoration.RetryIfIncomplete();
        }

        LogChange(generation);
    }

    private void LogChange(StoredGeneration generation) => LifecycleLog.Changed(
        _log, generation.Action, generation.Number, Current.Configuration!.Summary, string.Join(' ', generation.Changed), generation.Actor.Who, generation.Actor.From);
}
