using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>The record in <c>KEY_ID.key</c>, format version 1, as RustFS 1.0.0 writes it. Owns its material.</summary>
/// <remarks>Texts and their order are kept to the letter, so that a record that is read and written again is the same file.</remarks>
internal sealed class KeyFile : IDisposable
{
    /// <summary>Longest file that is read. Without description and tags it is below 1 KiB; the bound keeps a foreign file out.</summary>
    public const int MaxLength = 1024 * 1024;

    public const uint FormatVersion = 1;

    public required string KeyId { get; init; }

    /// <summary>Number of the newest version, which is the one material here where no later versions are beside it; RustFS keeps the number and
    /// does not mind it. Above 1 without any after the rotations of old RustFS builds, which overwrote their material.</summary>
    public required uint Version { get; init; }

    public required string Algorithm { get; init; }

    public required string Usage { get; init; }

    public required KeyState State { get; init; }

    public string? Description { get; init; }

    /// <summary>The user's tags, in the order of the file.</summary>
    public required ImmutableArray<KeyValuePair<string, string>> Metadata { get; init; }

    public required string CreatedAt { get; init; }

    public string? RotatedAt { get; init; }

    public string? CreatedBy { get; init; }

    public string? DeletionDate { get; init; }

    /// <summary>Number of the material here; a member of ours, written once there are later versions. Without it their files tell, so that only
    /// the loss of those files after a rewrite by RustFS goes unnoticed.</summary>
    public uint? FirstVersion { get; init; }

    /// <summary>A member of ours, written while a deletion is pending. RustFS takes it, and drops it when it rewrites the record itself.</summary>
    public KeyState? StateBeforeDeletion { get; init; }

    /// <summary>Ciphertext and tag, or the key itself: <see cref="Protection"/> tells.</summary>
    public required SecretBytes Material { get; init; }

    /// <summary>Empty for plaintext.</summary>
    public required byte[] Nonce { get; init; }

    public required AtRestProtection Protection { get; init; }

    /// <summary>Members that are not known here, each with its JSON value.</summary>
    public ImmutableArray<KeyValuePair<string, byte[]>> Unknown { get; init; } = [];

    public bool IsPlaintext =>
        Protection == AtRestProtection.PlaintextDevOnly || (Protection == AtRestProtection.LegacyUnspecified && Nonce.Length == 0);

    /// <inheritdoc cref="KeyFileReader"/>
    public static KeyFileVerdict TryRead(ReadOnlySpan<byte> utf8, string stem, out KeyFile? file) =>
        KeyFileReader.TryRead(utf8, stem, out file);

    /// <summary>The file's bytes, which hold the key itself where the record is plaintext. The caller disposes them.</summary>
    public SecretBuffer ToUtf8() => KeyFileWriter.Write(this);

    /// <summary>The same record and material with what the description says. The caller disposes it.</summary>
    /// <param name="firstVersion">Null leaves the member as it is.</param>
    public KeyFile With(KeyDescription description, uint? firstVersion = null) =>
        Copy(description, firstVersion ?? FirstVersion, SecretBytes.CopyOf(Material.Span), Nonce, Protection);

    /// <summary>The same record for another directory. The caller disposes it.</summary>
    /// <param name="material">Sealed under that directory's key; the copy's from now on.</param>
    public KeyFile Resealed(SecretBytes material, byte[] nonce) => Copy(Describe(), FirstVersion, material, nonce, AtRestProtection.EncryptedMasterKey);

    public KeyDescription Describe() => new()
    {
        KeyId = KeyId,
        State = State,
        Version = Version,
        Algorithm = Algorithm,
        Usage = Usage,
        Description = Description,
        Tags = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, Metadata),
        CreatedAt = CreatedAt,
        RotatedAt = RotatedAt,
        DeletionDate = DeletionDate,
        StateBeforeDeletion = StateBeforeDeletion,
        CreatedBy = CreatedBy,
        Origin = "KMS",
        Manager = "CUSTOMER",
    };

    public void Dispose() => Material.Dispose();

    /// <summary>Tags that stay keep their order.</summary>
    private KeyFile Copy(KeyDescription description, uint? firstVersion, SecretBytes material, byte[] nonce, AtRestProtection protection) => new()
    {
        KeyId = KeyId,
        Version = description.Version,
        Algorithm = Algorithm,
        Usage = Usage,
        State = description.State,
        Description = description.Description,
        Metadata =
        [
            .. Metadata.Where(tag => description.Tags.ContainsKey(tag.Key)).Select(tag => KeyValuePair.Create(tag.Key, description.Tags[tag.Key])),
            .. description.Tags.Where(tag => !Metadata.Any(former => former.Key == tag.Key)),
        ],
        CreatedAt = CreatedAt,
        RotatedAt = description.RotatedAt,
        CreatedBy = CreatedBy,
        DeletionDate = description.DeletionDate,
        FirstVersion = firstVersion,
        StateBeforeDeletion = description.StateBeforeDeletion,
        Material = material,
        Nonce = nonce,
        Protection = protection,
        Unknown = Unknown,
    };
}
