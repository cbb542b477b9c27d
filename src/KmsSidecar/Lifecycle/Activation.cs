using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>Makes a configuration run: opens its backends, checks and stores it, and publishes the snapshot. Calls are serialised by the caller.</summary>
internal sealed class Activation(BackendMounts mounts, SnapshotReference reference, ILogger log) : IDisposable
{
    private readonly StorageThread _storage = new();

    /// <summary>Opens what a configuration needs, checks and stores it, and publishes it as running. A failure changes nothing.</summary>
    /// <param name="inTime">A backend that does not answer soon is a failure.</param>
    public async Task RunAsync(
        Snapshot configured,
        OpenMode mode,
        ImmutableArray<MountedBackend> shareable,
        Func<IKeyBackend, KmsConfiguration, Task> check,
        Action store,
        CancellationToken cancellation,
        bool inTime = false)
    {
        ImmutableArray<MountedBackend> opened =
            await mounts.MountAsync(configured.Document!, mode, configured.DecryptOnly, shareable, inTime, cancellation);
        try
        {
            await opened[0].Backend!.CheckHealthAsync(cancellation);
            await check(opened[0].Backend!, configured.Configuration!);
            await _storage.RunAsync(store);
        }
        catch
        {
            BackendMounts.Release(opened);
            throw;
        }

        reference.Publish(Snapshot.Running(configured, opened));
        foreach (MountedBackend mount in opened.Where(static mount => mount.Fault is not null))
        {
            LifecycleLog.BackendUnreachable(log, KmsConfiguration.From(mount.Document).Summary, mount.Fault!.Message);
        }
    }

    /// <summary>Tries the decrypt-only backends that could not be opened. Publishes only when one of them could.</summary>
    public async Task ReopenDecryptOnlyAsync(CancellationToken cancellation)
    {
        ImmutableArray<MountedBackend> former = reference.Current.Backends;
        ImmutableArray<MountedBackend> opened =
            await mounts.MountAsync(reference.Current.Document!, OpenMode.Existing, reference.Current.DecryptOnly, former, inTime: false, cancellation);
        MountedBackend[] reopened = [.. opened.Where(mount => mount.Fault is null && !former.Contains(mount))];
        if (reopened.Length == 0)
        {
            BackendMounts.Release(opened);
            return;
        }

        reference.Publish(Snapshot.Running(reference.Current, opened));
        foreach (MountedBackend mount in reopened)
        {
            LifecycleLog.BackendReachable(log, KmsConfiguration.From(mount.Document).Summary);
        }
    }

    /// <summary>Nothing runs any more, and nothing will.</summary>
    public void Dispose() => _storage.Dispose();
}
