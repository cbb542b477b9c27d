using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>Makes the backends of a new snapshot: those of the current one that still fit are shared, the others are opened.</summary>
internal sealed class BackendMounts(BackendOpener open, TimeProvider clock)
{
    /// <summary>For opening what others must not wait for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <param name="mode">For the active backend; the others were there before.</param>
    /// <param name="shareable">Backends that may be shared; empty to open everything anew.</param>
    /// <param name="inTime">The active backend too gets no more than <see cref="Patience"/>.</param>
    /// <returns>The active backend first. The caller owns one share in each.</returns>
    public async ValueTask<ImmutableArray<MountedBackend>> MountAsync(
        ConfigurationDocument active,
        OpenMode mode,
        ImmutableArray<DecryptOnlyEntry> decryptOnly,
        ImmutableArray<MountedBackend> shareable,
        bool inTime,
        CancellationToken cancellation)
    {
        MountedBackend first = Share(active, shareable) ?? new MountedBackend(
            active, await (inTime ? OpenInTimeAsync(active, mode, cancellation) : open(active, mode, cancellation).AsTask()));
        Task<MountedBackend>[] others =
        [
            .. decryptOnly.Select(former => Share(former.Document, shareable) is { } shared
                ? Task.FromResult(shared)
                : OpenDecryptOnlyAsync(former.Document, cancellation)),
        ];
        try
        {
            return [first, .. await Task.WhenAll(others)];
        }
        catch
        {
            Release([first, .. others.Where(static other => other.IsCompletedSuccessfully).Select(static other => other.Result)]);
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

    /// <summary>A former backend that is away fails its own envelopes and nothing else: the others do not wait for it either.</summary>
    private async Task<MountedBackend> OpenDecryptOnlyAsync(ConfigurationDocument document, CancellationToken cancellation)
    {
        try
        {
            return new MountedBackend(document, await OpenInTimeAsync(document, OpenMode.Existing, cancellation));
        }
        catch (KmsException fault)
        {
            return new MountedBackend(document, backend: null, fault);
        }
    }

    private async Task<IKeyBackend> OpenInTimeAsync(ConfigurationDocument document, OpenMode mode, CancellationToken cancellation)
    {
        using CancellationTokenSource late = new(Patience, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            return await open(document, mode, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new KmsException(
                KmsError.BackendTimeout,
                $"backend {KmsConfiguration.From(document).Summary} could not be opened within {Patience.TotalSeconds:0} s; it is tried again in the background");
        }
    }
}
