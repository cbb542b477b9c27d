using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Sharing;

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
    public ImmutableArray<DecryptOnlyEntry> DecryptOnly { get; init; } = [];

    /// <summary>The active backend first, then those of <see cref="DecryptOnly"/> in its order. Empty unless running.</summary>
    public ImmutableArray<MountedBackend> Backends { get; init; } = [];

    public bool IsRunning => !Backends.IsEmpty;

    /// <summary>An active backend is in another program. False unless running.</summary>
    public bool IsElsewhere => IsRunning && Backends[0].Backend!.IsElsewhere;

    /// <summary>A key may be opened by another program. False unless running.</summary>
    public bool OpensElsewhere => Backends.Any(static mount => mount.Backend is { IsElsewhere: true });

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
        long generation, ConfigurationDocument document, ImmutableArray<DecryptOnlyEntry> decryptOnly)
    {
        return new Snapshot
        {
            State = ServiceState.Configured,
            Generation = generation,
            Document = document.Clone(),
            Configuration = KmsConfiguration.From(document),
            DecryptOnly = Clone(decryptOnly),
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
            DecryptOnly = Clone(configured.DecryptOnly),
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
            DecryptOnly = Clone(configured.DecryptOnly),
        };
    }

    /// <summary>Where a rollback from the next configuration goes, unless that is a rollback itself.</summary>
    public long? ParentOfNext => Generation == 0 ? null : Generation;

    /// <summary>The backends that must stay readable beside a new active one: the active one of now and all before it. The caller disposes them.</summary>
    /// <param name="now">When the active one of now becomes decrypt-only.</param>
    /// <param name="named">Of an earlier generation that is returned to: those that were dropped since come back, with a new beginning.</param>
    public ImmutableArray<DecryptOnlyEntry> DecryptOnlyBeside(
        ConfigurationDocument active, DateTimeOffset now, ImmutableArray<DecryptOnlyEntry> named = default)
    {
        List<DecryptOnlyEntry> kept = [];
        if (Document is not null)
        {
            Keep(Document, () => new(DecryptOnlyEntry.NameOf(Document.Backend, Generation), now, Document.Clone(), new LastUse()));
        }

        foreach (DecryptOnlyEntry entry in DecryptOnly)
        {
            Keep(entry.Document, () => entry.Clone());
        }

        foreach (DecryptOnlyEntry entry in named.IsDefault ? [] : named)
        {
            Keep(entry.Document, () => entry.Clone(since: now));
        }

        return [.. kept];

        void Keep(ConfigurationDocument document, Func<DecryptOnlyEntry> entry)
        {
            if (!document.HasSameKeys(active) && !kept.Any(other => document.HasSameKeys(other.Document)))
            {
                kept.Add(entry());
            }
        }
    }

    /// <summary>The decrypt-only backends without one of them. The caller disposes them.</summary>
    public ImmutableArray<DecryptOnlyEntry> DecryptOnlyWithout(DecryptOnlyEntry dropped) =>
        [.. DecryptOnly.Where(entry => entry != dropped).Select(static entry => entry.Clone())];

    /// <summary>Null unless running.</summary>
    public MountedBackend? MountOf(DecryptOnlyEntry entry) => IsRunning ? Backends[1 + DecryptOnly.IndexOf(entry)] : null;

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

        foreach (DecryptOnlyEntry entry in DecryptOnly)
        {
            entry.Dispose();
        }

        Document?.Dispose();
    }

    private static ImmutableArray<DecryptOnlyEntry> Clone(ImmutableArray<DecryptOnlyEntry> entries) =>
        [.. entries.Select(static entry => entry.Clone())];
}
