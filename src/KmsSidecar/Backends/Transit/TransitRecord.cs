using System.Collections.Immutable;
using KmsSidecar.Backends.Local;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>What RustFS keeps of a Transit key in KV v2, beside what Transit itself knows. Nothing in it is secret.</summary>
internal sealed record TransitRecord
{
    public required string Usage { get; init; }

    public string? Description { get; init; }

    public required ImmutableSortedDictionary<string, string> Tags { get; init; }

    public required KeyState State { get; init; }

    public required string CreatedAt { get; init; }

    public string? DeletionDate { get; init; }

    public required string Origin { get; init; }

    public string? CreatedBy { get; init; }

    /// <summary>Informational: the number of the newest version is known to Transit.</summary>
    public required uint CurrentVersion { get; init; }

    /// <summary>A member of ours, written while a deletion is pending. RustFS takes it, and drops it when it rewrites the record itself.</summary>
    public KeyState? StateBeforeDeletion { get; init; }

    /// <summary>Members that are not known here, each with its JSON value.</summary>
    public ImmutableArray<KeyValuePair<string, byte[]>> Unknown { get; init; } = [];

    /// <summary>For a key that is made here.</summary>
    public static TransitRecord Of(NewKey request, DateTimeOffset now) => new()
    {
        Usage = KeyFileNames.EncryptDecrypt,
        Description = request.Description,
        Tags = request.Tags,
        State = KeyState.Enabled,
        CreatedAt = ZonedTimestamp.Format(now),
        Origin = TransitSettings.Manager,
        CurrentVersion = 1,
    };

    /// <summary>For a key that an operator made, or whose record was lost.</summary>
    public static TransitRecord Of(TransitKey key) => new()
    {
        Usage = KeyFileNames.EncryptDecrypt,
        Tags = Keys.Tags.None,
        State = KeyState.Enabled,
        CreatedAt = ZonedTimestamp.Format(key.Versions[0].CreatedAt),
        Origin = TransitSettings.Manager,
        CurrentVersion = key.Newest.Number,
    };

    /// <summary>With what the description says.</summary>
    public TransitRecord With(KeyDescription description) => this with
    {
        Description = description.Description,
        Tags = description.Tags,
        State = description.State,
        DeletionDate = description.DeletionDate,
        StateBeforeDeletion = description.StateBeforeDeletion,
    };

    /// <param name="key">Null when Transit does not have it any more: whatever the record says, it is a tombstone then.</param>
    public KeyDescription Describe(string keyId, TransitKey? key) => new()
    {
        KeyId = keyId,
        State = key is null ? KeyState.Unavailable : State,
        Version = key?.Newest.Number ?? CurrentVersion,
        Algorithm = key?.Type switch
        {
            "aes128-gcm96" => "AES_128",
            "chacha20-poly1305" or "xchacha20-poly1305" => "ChaCha20",
            _ => "AES_256",
        },
        Usage = Usage,
        Description = Description,
        Tags = Tags,
        CreatedAt = CreatedAt,
        RotatedAt = key is { Newest.Number: > 1 } ? ZonedTimestamp.Format(key.Newest.CreatedAt) : null,
        DeletionDate = DeletionDate,
        StateBeforeDeletion = StateBeforeDeletion,
        CreatedBy = CreatedBy,
        Origin = Origin,
        Manager = TransitSettings.Manager,
    };
}
