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

    /// <summary>Number of the one material here. Above 1 after the rotations of old RustFS builds, which overwrote it.</summary>
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

    public byte[] ToUtf8() => KeyFileWriter.Write(this);

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
        CreatedBy = CreatedBy,
        Origin = "KMS",
        Manager = "CUSTOMER",
    };

    public void Dispose() => Material.Dispose();
}
