using System.Collections.Immutable;
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
    private readonly ConfigurationStore _store;
    private readonly BackendMounts _mounts;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly SnapshotReference _reference;
    private readonly RetryLoop _comingBack;
    private bool _disposed;

    /// <summary>What <see cref="_reference"/> holds. Only touched under <see cref="_changes"/>.</summary>
    private Snapshot _current = new() { State = ServiceState.NotConfigured };

    public KmsService(ConfigurationStore store, BackendOpener open, TimeProvider clock, ILoggerFactory logs)
    {
        _store = store;
        _mounts = new BackendMounts(open);
        _clock = clock;
        _log = logs.CreateLogger("rustfs::kms::lifecycle");
        _reference = new SnapshotReference(_current);
        _comingBack = new RetryLoop(CompleteAsync, clock, _log);
    }

    /// <summary>The snapshot for one request. Never blocks.</summary>
    public SnapshotLease Acquire() => _reference.Acquire();

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

        Publish(Snapshot.Configured(stored.Number, stored.Document, stored.DecryptOnly));
        if (_store.WasRunning(stored))
        {
            await ComeBackAsync(cancellation);
            RetryIfIncomplete();
        }
    }

    /// <summary>Replaces the whole configuration and does not start. Refused while running.</summary>
    /// <returns>The new state.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<ServiceState> ConfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        using ConfigurationPatch patch = ConfigurationPatch.Read(body.Span, current: null, "configure replaces the whole configuration");
        using ConfigurationDocument document = ConfigurationDocument.Replace(patch, patch.Backend!.Value);
        KmsConfiguration.From(document);
        if (_current.IsRunning)
        {
            throw new KmsException(KmsError.WrongState, "cannot configure while the service is running; use reconfigure, or stop it first");
        }

        using StoredGeneration generation = Next("configure", actor, document, _current.ParentOfNext, isMeantToRun: false);
        _store.Append(generation);
        Publish(Snapshot.Configured(generation.Number, document, generation.DecryptOnly));
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
            body.Span, _current.Document?.Backend, "there is no configuration yet that it could be taken from");
        using ConfigurationDocument document =
            _current.Document?.Merge(patch) ?? ConfigurationDocument.Replace(patch, patch.Backend!.Value);
        await ReplaceAsync("reconfigure", _current.ParentOfNext, document, actor, cancellation);
        return _current.State;
    }

    /// <summary>Goes back to an earlier configuration, with the checks of a reconfigure.</summary>
    /// <param name="number">Null for the one before the current.</param>
    /// <returns>The generation whose configuration is now in effect.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<long> RollbackAsync(long? number, Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        if (_current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration to roll back");
        }

        long target = number ?? _store.ParentOf(_current.Generation) ?? throw new KmsException(
            KmsError.WrongState, $"generation {_current.Generation} has none before it: there is nothing to go back to");
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
        if (_current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration yet; POST /rustfs/admin/v3/kms/configure first");
        }

        bool wasRunning = _current.IsRunning;
        if (wasRunning && !force)
        {
            throw new KmsException(KmsError.WrongState, "the service is already running; {\"force\":true} rebuilds it");
        }

        try
        {
            await RunAsync(
                _current,
                OpenMode.CreateMissing,
                shareable: [],
                (backend, configuration) => DefaultKey.EnsureAsync(backend, configuration, _log, cancellation),
                () => _store.MarkRunning(_current.Generation, running: true),
                cancellation);
        }
        catch (KmsException failed) when (!wasRunning)
        {
            Publish(Snapshot.Failed(_current, failed.Message, _current.IsMeantToRun));
            throw;
        }

        RetryIfIncomplete();
        LifecycleLog.Started(_log, _current.Generation, _current.Configuration!.Summary, actor.Who, actor.From);
        return wasRunning;
    }

    /// <summary>Refuses new key operations at once, lets those in flight finish, keeps the configuration.</summary>
    /// <returns>The new state: Configured, or NotConfigured when there is no configuration.</returns>
    public async Task<ServiceState> StopAsync(Actor actor, CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        if (_current.Document is null)
        {
            return ServiceState.NotConfigured;
        }

        _store.MarkRunning(_current.Generation, running: false);
        Publish(Snapshot.Configured(_current.Generation, _current.Document, _current.DecryptOnlyDocuments));
        LifecycleLog.Stopped(_log, _current.Generation, actor.Who, actor.From);
        return ServiceState.Configured;
    }

    /// <summary>Changes keys of the active backend, while nothing else changes.</summary>
    /// <param name="change">Gets the snapshot in effect, whose first backend is the active one.</param>
    public async Task<T> ChangeKeysAsync<T>(Func<Snapshot, Task<T>> change, CancellationToken cancellation)
    {
        using ChangeLock.Holding holding = await _changes.EnterAsync(cancellation);
        return _current.IsRunning ? await change(_current) : throw new KmsException(KmsError.NotRunning);
    }

    /// <summary>Zeroes everything; the last requests have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _comingBack.DisposeAsync();
        await _changes.CloseAsync();
        Publish(new Snapshot { State = ServiceState.NotConfigured });
    }

    /// <summary>The common part of reconfigure and rollback.</summary>
    private async Task ReplaceAsync(
        string action, long? parent, ConfigurationDocument document, Actor actor, CancellationToken cancellation)
    {
        using StoredGeneration generation = Next(action, actor, document, parent, _current.IsMeantToRun);
        Snapshot configured = Snapshot.Configured(generation.Number, document, generation.DecryptOnly);
        if (!_current.IsMeantToRun)
        {
            _store.Append(generation);
            Publish(configured);
        }
        else
        {
            try
            {
                await RunAsync(
                    configured,
                    OpenMode.CreateMissing,
                    shareable: _current.Backends,
                    (backend, configuration) => DefaultKey.CheckAsync(backend, configuration, document, _current, _log, cancellation),
                    () => _store.Append(generation),
                    cancellation);
            }
            finally
            {
                configured.Release();
            }

            RetryIfIncomplete();
        }

        LogChange(generation);
    }

    /// <summary>Opens what a configuration needs, checks and stores it, and publishes it as running. A failure changes nothing.</summary>
    private async Task RunAsync(
        Snapshot configured,
        OpenMode mode,
        ImmutableArray<MountedBackend> shareable,
        Func<IKeyBackend, KmsConfiguration, Task> check,
        Action store,
        CancellationToken cancellation)
    {
        ImmutableArray<MountedBackend> mounts =
            await _mounts.MountAsync(configured.Document!, mode, configured.DecryptOnlyDocuments, shareable, cancellation);
        try
        {
            await mounts[0].Backend!.CheckHealthAsync(cancellation);
            await check(mounts[0].Backend!, configured.Configuration!);
            store();
        }
        catch
        {
            BackendMounts.Release(mounts);
            throw;
        }

        Publish(Snapshot.Running(configured, mounts));
        foreach (MountedBackend mount in mounts.Where(static mount => mount.Fault is not null))
        {
            LifecycleLog.BackendUnreachable(_log, KmsConfiguration.From(mount.Document).Summary, mount.Fault!.Message);
        }
    }

    /// <summary>Runs again as before the restart. Needs no room on the disk.</summary>
    private async Task ComeBackAsync(CancellationToken cancellation)
    {
        try
        {
            await RunAsync(
                _current,
                OpenMode.Existing,
                shareable: [],
                (backend, configuration) => DefaultKey.RequireAsBeforeAsync(backend, configuration, cancellation),
                static () => { },
                cancellation);
            LifecycleLog.Restored(_log, _current.Generation, _current.Configuration!.Summary);
        }
        catch (KmsException failed)
        {
            if (failed.Message != _current.Error)
            {
                LifecycleLog.StartFailed(_log, failed.Message);
            }

            Publish(Snapshot.Failed(_current, failed.Message, isMeantToRun: true));
        }
    }

    private void RetryIfIncomplete()
    {
        if (_current.IsIncomplete)
        {
            _comingBack.Begin();
        }
    }

    /// <summary>One attempt of the retry loop.</summary>
    private async Task<bool> CompleteAsync(CancellationToken cancellation)
    {
        using ChangeLock.Holding change = await _changes.EnterAsync(cancellation);
        if (_current.IsIncomplete)
        {
            await (_current.IsRunning ? ReopenDecryptOnlyAsync(cancellation) : ComeBackAsync(cancellation));
        }

        return !_current.IsIncomplete;
    }

    private async Task ReopenDecryptOnlyAsync(CancellationToken cancellation)
    {
        ImmutableArray<MountedBackend> former = _current.Backends;
        ImmutableArray<MountedBackend> mounts =
            await _mounts.MountAsync(_current.Document!, OpenMode.Existing, _current.DecryptOnlyDocuments, former, cancellation);
        MountedBackend[] reopened = [.. mounts.Where(mount => mount.Fault is null && !former.Contains(mount))];
        if (reopened.Length == 0)
        {
            BackendMounts.Release(mounts);
            return;
        }

        Publish(Snapshot.Running(_current, mounts));
        foreach (MountedBackend mount in reopened)
        {
            LifecycleLog.BackendReachable(_log, KmsConfiguration.From(mount.Document).Summary);
        }
    }

    private StoredGeneration Next(string action, Actor actor, ConfigurationDocument document, long? parent, bool isMeantToRun) => new()
    {
        Number = _store.NextNumber(),
        Parent = parent,
        SavedAt = _clock.GetUtcNow(),
        Action = action,
        Actor = actor,
        Changed = [.. ConfigurationDocument.Difference(_current.Document, document)],
        Running = isMeantToRun,
        DecryptOnly = _current.DecryptOnlyBeside(document),
        Document = document.Clone(),
    };

    private void Publish(Snapshot next)
    {
        _current = next;
        _reference.Publish(next);
    }

    private void LogChange(StoredGeneration generation) => LifecycleLog.Changed(
        _log, generation.Action, generation.Number, _current.Configuration!.Summary, string.Join(' ', generation.Changed), generation.Actor.Who, generation.Actor.From);
}
