using System.Collections.Immutable;

namespace KmsSidecar.Keys;

/// <summary>Everything about a key that is not secret. Immutable: a change makes a new one.</summary>
internal sealed record KeyDescription
{
    public required string KeyId { get; init; }

    public required KeyState State { get; init; }

    /// <summary>Newest version, which new data keys use; counts from 1.</summary>
    public required uint Version { get; init; }

    public string Algorithm { get; init; } = "AES_256";

    /// <summary>RustFS's spelling: EncryptDecrypt or SignVerify.</summary>
    public string Usage { get; init; } = "EncryptDecrypt";

    public string? Description { get; init; }

    public ImmutableSortedDictionary<string, string> Tags { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>As written by whoever made the key (<see cref="ZonedTimestamp"/>); kept to the letter.</summary>
    public required string CreatedAt { get; init; }

    public string? RotatedAt { get; init; }

    /// <summary>When the key may be destroyed; only while <see cref="KeyState.PendingDeletion"/>.</summary>
    public string? DeletionDate { get; init; }

    /// <summary>Where a cancelled deletion returns to; null when it is not known, as in records that RustFS wrote.</summary>
    public KeyState? StateBeforeDeletion { get; init; }

    public string? CreatedBy { get; init; }

    public required string Origin { get; init; }

    public required string Manager { get; init; }
}
