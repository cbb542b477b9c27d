using System.Collections.Immutable;
using KmsSidecar.Configuration;

namespace KmsSidecar.Lifecycle;

/// <summary>All that a request depends on, in one immutable object: state, configuration, backends. A change makes a new one.</summary>
/// <remarks>Owns its document and a share in its backends; both go when the last user has released it.</remarks>
internal sealed class Snapshot
{
    private readonly ReferenceCount _users = new();

    public required ServiceState State { get; init; }

    /// <summary>Why a start failed; only in <see cref="ServiceState.Error"/>.</summary>
    public string? Error { get; init; }

    /// <summary>Number of the stored configuration; 0 when there is none.</summary>
    public long Generation { get; init; }

    public ConfigurationDocument? Document { get; init; }

    public KmsConfiguration? Configuration { get; init; }

    /// <summary>Former backends, which still open what they wrapped.</summary>
    public ImmutableArray<ConfigurationDocument> DecryptOnlyDocuments { get; init; } = [];

    /// <summary>The active backend first, then the decrypt-only ones. Empty unless running.</summary>
    public ImmutableArray<MountedBackend> Backends { get; init; } = [];

    public bool IsRunning => !Backends.IsEmpty;

    /// <summary>Not running. Documents are copied.</summary>
    public static Snapshot Configured(
        long generation, ConfigurationDocument document, ImmutableArray<ConfigurationDocument> decryptOnly)
    {
        return new Snapshot
        {
            State = ServiceState.Configured,
            Generation = generation,
            Document = document.Clone(),
            Configuration = KmsConfiguration.From(document),
            DecryptOnlyDocuments = Clone(decryptOnly),
        };
    }

    /// <summary>Running on backends that are its own from now on. Documents are copied.</summary>
    public static Snapshot Running(
        long generation,
        ConfigurationDocument document,
        ImmutableArray<ConfigurationDocument> decryptOnly,
        ImmutableArray<MountedBackend> backends)
    {
        return new Snapshot
        {
            State = ServiceState.Running,
            Generation = generation,
            Document = document.Clone(),
            Configuration = KmsConfiguration.From(document),
            DecryptOnlyDocuments = Clone(decryptOnly),
            Backends = backends,
        };
    }

    /// <summary>As configured before, but a start has failed.</summary>
    public static Snapshot Failed(Snapshot former, string reason)
    {
        return new Snapshot
        {
            State = ServiceState.Error,
            Error = reason,
            Generation = former.Generation,
            Document = former.Document!.Clone(),
            Configuration = former.Configuration,
            DecryptOnlyDocuments = Clone(former.DecryptOnlyDocuments),
        };
    }

    public bool TryAddUser() => _users.TryAdd();

    public void Release()
    {
        if (!_users.Release())
        {
            return;
        }

        foreach (MountedBackend backend in Backends)
        {
            backend.Release();
        }

        foreach (ConfigurationDocument document in DecryptOnlyDocuments)
        {
            document.Dispose();
        }

        Document?.Dispose();
    }

    private static ImmutableArray<ConfigurationDocument> Clone(ImmutableArray<ConfigurationDocument> documents) =>
        [.. documents.Select(static document => document.Clone())];
}
