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

    /// <summary>Running, or waiting to be again since the process started: a change then has to run too.</summary>
    public bool IsMeantToRun
    {
        get => field || IsRunning;
        private init;
    }

    /// <summary>Something that is meant to be open is not.</summary>
    public bool IsIncomplete => IsRunning ? Backends.Any(static mount => mount.Fault is not null) : IsMeantToRun;

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

    /// <summary>The configuration of another snapshot, running on backends that are the new one's own from now on.</summary>
    public static Snapshot Running(Snapshot configured, ImmutableArray<MountedBackend> backends)
    {
        return new Snapshot
        {
            State = ServiceState.Running,
            Generation = configured.Generation,
            Document = configured.Document!.Clone(),
            Configuration = configured.Configuration,
            DecryptOnlyDocuments = Clone(configured.DecryptOnlyDocuments),
            Backends = backends,
        };
    }

    /// <summary>The configuration of another snapshot, but a start has failed.</summary>
    public static Snapshot Failed(Snapshot configured, string reason, bool isMeantToRun)
    {
        return new Snapshot
        {
            State = ServiceState.Error,
            Error = reason,
            IsMeantToRun = isMeantToRun,
            Generation = configured.Generation,
            Document = configured.Document!.Clone(),
            Configuration = configured.Configuration,
            DecryptOnlyDocuments = Clone(configured.DecryptOnlyDocuments),
        };
    }

    /// <summary>Where a rollback from the next configuration goes, unless that is a rollback itself.</summary>
    public long? ParentOfNext => Generation == 0 ? null : Generation;

    /// <summary>The backends that must stay readable beside a new active one: the active one of now and all before it. The caller disposes them.</summary>
    public ImmutableArray<ConfigurationDocument> DecryptOnlyBeside(ConfigurationDocument active)
    {
        List<ConfigurationDocument> kept = [];
        IEnumerable<ConfigurationDocument> former = Document is null ? [] : [Document, .. DecryptOnlyDocuments];
        foreach (ConfigurationDocument document in former)
        {
            if (!document.HasSameKeys(active) && !kept.Any(document.HasSameKeys))
            {
                kept.Add(document);
            }
        }

        return Clone([.. kept]);
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
