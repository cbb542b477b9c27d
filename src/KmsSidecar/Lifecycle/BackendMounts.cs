using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>Makes the backends of a new snapshot: those of the current one that still fit are shared, the others are opened.</summary>
internal sealed class BackendMounts(BackendOpener open)
{
    /// <param name="mode">For the active backend; the others were there before.</param>
    /// <param name="shareable">Backends that may be shared; empty to open everything anew.</param>
    /// <returns>The active backend first. The caller owns one share in each.</returns>
    public async ValueTask<ImmutableArray<MountedBackend>> MountAsync(
        ConfigurationDocument active,
        OpenMode mode,
        ImmutableArray<DecryptOnlyEntry> decryptOnly,
        ImmutableArray<MountedBackend> shareable,
        CancellationToken cancellation)
    {
        List<MountedBackend> mounts = [];
        try
        {
            mounts.Add(Share(active, shareable) ?? new MountedBackend(active, await open(active, mode, cancellation)));
            foreach (DecryptOnlyEntry former in decryptOnly)
            {
                mounts.Add(Share(former.Document, shareable) ?? await OpenDecryptOnlyAsync(former.Document, cancellation));
            }

            return [.. mounts];
        }
        catch
        {
            Release(mounts);
            throw;
        }
    }

    public static void Release(IEnumerable<MountedBackend> mounts)
    {
        foreach (MountedBackend mount in mounts)
        {
            mount.Release();
        }
    }

    private static MountedBackend? Share(ConfigurationDocument document, ImmutableArray<MountedBackend> shareable)
    {
        foreach (MountedBackend mount in shareable)
        {
            if (mount.TryShare(document))
            {
                return mount;
            }
        }

        return null;
    }

    /// <summary>A former backend that is away fails its own envelopes and nothing else.</summary>
    private async ValueTask<MountedBackend> OpenDecryptOnlyAsync(ConfigurationDocument document, CancellationToken cancellation)
    {
        try
        {
            return new MountedBackend(document, await open(document, OpenMode.Existing, cancellation));
        }
        catch (KmsException fault)
        {
            return new MountedBackend(document, backend: null, fault);
        }
    }
}
