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
internal sealed partial class KmsService : IDisposable
{
    private readonly SemaphoreSlim _changes = new(1, 1);
    private readonly ConfigurationStore _store;
    private readonly BackendMounts _mounts;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly SnapshotReference _reference;

    /// <summary>What <see cref="_reference"/> holds. Only touched under <see cref="_changes"/>.</summary>
    private Snapshot _current = new() { State = ServiceState.NotConfigured };

    public KmsService(ConfigurationStore store, BackendOpener open, TimeProvider clock, ILoggerFactory logs)
    {
        _store = store;
        _mounts = new BackendMounts(open);
        _clock = clock;
        _log = logs.CreateLogger("rustfs::kms::lifecycle");
        _reference = new SnapshotReference(_current);
    }

    /// <summary>The snapshot for one request. Never blocks.</summary>
    public SnapshotLease Acquire() => _reference.Acquire();

    /// <summary>Comes back as the process was left: same configuration, running if it was. A start that fails leaves the state Error.</summary>
    public async Task RestoreAsync(CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        using StoredGeneration? stored = _store.LoadNewest();
        if (stored is null)
        {
            return;
        }

        Publish(Snapshot.Configured(stored.Number, stored.Document, stored.DecryptOnly));
        if (_store.IsMarkedRunning())
        {
            try
            {
                await StartConfiguredAsync(cancellation);
                LifecycleLog.Restored(_log, _current.Generation, Summary(_current.Configuration!));
            }
            catch (KmsException failed)
            {
                LifecycleLog.StartFailed(_log, failed.Message);
            }
        }
    }

    /// <summary>Replaces the whole configuration and does not start. Refused while running.</summary>
    /// <returns>The new state.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<ServiceState> ConfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        using ConfigurationPatch patch = ConfigurationPatch.Read(body.Span, current: null, "configure replaces the whole configuration");
        using ConfigurationDocument document = ConfigurationDocument.Replace(patch, patch.Backend!.Value);
        KmsConfiguration.From(document);
        if (_current.IsRunning)
        {
            throw new KmsException(KmsError.WrongState, "cannot configure while the service is running; use reconfigure, or stop it first");
        }

        using StoredGeneration generation = Next("configure", actor, document, DecryptOnlyBeside(document));
        if (_store.IsMarkedRunning())
        {
            // A start that failed has left the mark, and this call does not start: neither must the next start of the process.
            _store.MarkRunning(false);
        }

        _store.Append(generation);
        Publish(Snapshot.Configured(generation.Number, document, generation.DecryptOnly));
        LogChange(generation);
        return ServiceState.Configured;
    }

    /// <summary>Merges into the configuration and keeps the run state. A running service goes on with the new snapshot once that has
    /// been built, checked and stored.</summary>
    /// <returns>The state, which is as it was (or Configured after NotConfigured and Error).</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<ServiceState> ReconfigureAsync(ReadOnlyMemory<byte> body, Actor actor, CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        using ConfigurationPatch patch = ConfigurationPatch.Read(
            body.Span, _current.Document?.Backend, "there is no configuration yet that it could be taken from");
        using ConfigurationDocument document =
            _current.Document?.Merge(patch) ?? ConfigurationDocument.Replace(patch, patch.Backend!.Value);
        await ReplaceAsync("reconfigure", parent: _current.Generation, document, actor, cancellation);
        return _current.State;
    }

    /// <summary>Goes back to an earlier configuration, with the checks of a reconfigure.</summary>
    /// <param name="number">Null for the one before the current.</param>
    /// <returns>The generation whose configuration is now in effect.</returns>
    /// <exception cref="KmsException">Nothing has changed.</exception>
    public async Task<long> RollbackAsync(long? number, Actor actor, CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        if (_current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration to roll back");
        }

        long target = number ?? _store.ParentOf(_current.Generation) ?? throw new KmsException(
            KmsError.WrongState, $"generation {_current.Generation} is the first one that is kept: there is nothing to go back to");
        using StoredGeneration former = _store.Load(target) ?? throw new KmsException(
            KmsError.KeyNotFound, $"generation {target} is not kept; GET /rustfs/admin/v3/kms/config/history lists those that are");
        await ReplaceAsync("rollback", former.Parent, former.Document, actor, cancellation);
        return target;
    }

    /// <param name="force">Rebuilds a running service; without it, starting twice is refused.</param>
    /// <returns>Whether it was running before.</returns>
    public async Task<bool> StartAsync(bool force, Actor actor, CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        if (_current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration yet; POST /rustfs/admin/v3/kms/configure first");
        }

        bool wasRunning = _current.IsRunning;
        if (wasRunning && !force)
        {
            throw new KmsException(KmsError.WrongState, "the service is already running; {\"force\":true} rebuilds it");
        }

        await StartConfiguredAsync(cancellation);
        LifecycleLog.Started(_log, _current.Generation, Summary(_current.Configuration!), actor.Who, actor.From);
        return wasRunning;
    }

    /// <summary>Refuses new key operations at once, lets those in flight finish, keeps the configuration.</summary>
    /// <returns>The new state: Configured, or NotConfigured when there is no configuration.</returns>
    public async Task<ServiceState> StopAsync(Actor actor, CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        if (_current.Document is null)
        {
            return ServiceState.NotConfigured;
        }

        _store.MarkRunning(false);
        Publish(Snapshot.Configured(_current.Generation, _current.Document, _current.DecryptOnlyDocuments));
        LifecycleLog.Stopped(_log, _current.Generation, actor.Who, actor.From);
        return ServiceState.Configured;
    }

    /// <summary>Makes a key in the active backend.</summary>
    public async Task<KeyDescription> CreateKeyAsync(NewKey request, Actor actor, CancellationToken cancellation)
    {
        using Change change = await BeginAsync(cancellation);
        if (!_current.IsRunning)
        {
            throw new KmsException(KmsError.NotRunning);
        }

        KeyDescription key = await _current.Backends[0].Backend!.CreateAsync(request, cancellation);
        LifecycleLog.KeyCreated(_log, key.KeyId, actor.Who, actor.From);
        return key;
    }

    /// <summary>Zeroes everything; the last requests have ended.</summary>
    public void Dispose()
    {
        _current.Release();
        _changes.Dispose();
    }

    /// <summary>The common part of reconfigure and rollback.</summary>
    private async Task ReplaceAsync(
        string action, long? parent, ConfigurationDocument document, Actor actor, CancellationToken cancellation)
    {
        KmsConfiguration configuration = KmsConfiguration.From(document);
        ImmutableArray<ConfigurationDocument> decryptOnly = DecryptOnlyBeside(document);
        using StoredGeneration generation = Next(action, actor, document, decryptOnly) with { Parent = parent is 0 ? null : parent };
        if (!_current.IsRunning)
        {
            _store.Append(generation);
            Publish(Snapshot.Configured(generation.Number, document, decryptOnly));
        }
        else
        {
            bool sameBackend = _current.Document!.HasSameBackend(document);
            ImmutableArray<MountedBackend> mounts = await _mounts.MountAsync(document, decryptOnly, _current.Backends, cancellation);
            try
            {
                await CheckAsync(mounts[0].Backend!, configuration, sameBackend, cancellation);
                _store.Append(generation);
            }
            catch
            {
                BackendMounts.Release(mounts);
                throw;
            }

            PublishRunning(Snapshot.Running(generation.Number, document, decryptOnly, mounts));
        }

        LogChange(generation);
    }

    private async Task CheckAsync(IKeyBackend backend, KmsConfiguration configuration, bool sameBackend, CancellationToken cancellation)
    {
        await backend.CheckHealthAsync(cancellation);
        if (!sameBackend)
        {
            await DefaultKey.EnsureAsync(backend, configuration, cancellation);
        }
        else if (configuration.DefaultKeyId != _current.Configuration!.DefaultKeyId)
        {
            await DefaultKey.RequireAsync(backend, configuration, cancellation);
        }
    }

    private async Task StartConfiguredAsync(CancellationToken cancellation)
    {
        Snapshot former = _current;
        ImmutableArray<MountedBackend> mounts = [];
        try
        {
            KmsConfiguration configuration = KmsConfiguration.From(former.Document!);
            mounts = await _mounts.MountAsync(former.Document!, former.DecryptOnlyDocuments, shareable: [], cancellation);
            await mounts[0].Backend!.CheckHealthAsync(cancellation);
            if (await DefaultKey.EnsureAsync(mounts[0].Backend!, configuration, cancellation))
            {
                LifecycleLog.DefaultKeyCreated(_log, configuration.DefaultKeyId!);
            }

            _store.MarkRunning(true);
        }
        catch (Exception failed)
        {
            BackendMounts.Release(mounts);
            if (failed is KmsException && !former.IsRunning)
            {
                Publish(Snapshot.Failed(former, failed.Message));
            }

            throw;
        }

        PublishRunning(Snapshot.Running(former.Generation, former.Document!, former.DecryptOnlyDocuments, mounts));
    }

    /// <summary>The backends that must stay readable beside a new active one: the former active one and all before it.</summary>
    private ImmutableArray<ConfigurationDocument> DecryptOnlyBeside(ConfigurationDocument active)
    {
        List<ConfigurationDocument> kept = [];
        IEnumerable<ConfigurationDocument> former = _current.Document is null ? [] : [_current.Document, .. _current.DecryptOnlyDocuments];
        foreach (ConfigurationDocument document in former)
        {
            if (!document.HasSameBackend(active) && !kept.Any(document.HasSameBackend))
            {
                kept.Add(document);
            }
        }

        return [.. kept.Select(static document => document.Clone())];
    }

    private StoredGeneration Next(
        string action, Actor actor, ConfigurationDocument document, ImmutableArray<ConfigurationDocument> decryptOnly)
    {
        return new StoredGeneration
        {
            Number = _store.NextNumber(),
            Parent = _current.Generation == 0 ? null : _current.Generation,
            SavedAt = _clock.GetUtcNow(),
            Action = action,
            Actor = actor,
            Changed = [.. ConfigurationDocument.Difference(_current.Document, document)],
            Document = document.Clone(),
            DecryptOnly = decryptOnly,
        };
    }

    private static string Summary(KmsConfiguration configuration) => configuration.Backend == BackendType.Local
        ? $"local {configuration.KeyDirectory}"
        : configuration.Backend.Tag();

    private void PublishRunning(Snapshot next)
    {
        Publish(next);
        foreach (MountedBackend mount in next.Backends)
        {
            if (mount.Fault is { } fault)
            {
                LifecycleLog.BackendUnreachable(_log, Summary(KmsConfiguration.From(mount.Document)), fault.Message);
            }
        }
    }

    private void Publish(Snapshot next)
    {
        _current = next;
        _reference.Publish(next);
    }

    private void LogChange(StoredGeneration generation) => LifecycleLog.Changed(
        _log, generation.Action, generation.Number, Summary(_current.Configuration!), string.Join(' ', generation.Changed), generation.Actor.Who, generation.Actor.From);

    private async ValueTask<Change> BeginAsync(CancellationToken cancellation)
    {
        await _changes.WaitAsync(cancellation);
        return new Change(_changes);
    }

    /// <summary>Holds the lock of changes.</summary>
    private readonly struct Change(SemaphoreSlim changes) : IDisposable
    {
        public void Dispose() => changes.Release();
    }
}
