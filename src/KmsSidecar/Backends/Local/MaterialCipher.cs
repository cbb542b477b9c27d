using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Local;

/// <summary>Opens and seals the material of a directory's keys under its master key.</summary>
/// <remarks>First versions as RustFS does: AES-256-GCM, 96-bit nonce, nothing authenticated beside the material. Later versions, which RustFS
/// does not know, with <see cref="SealVersion"/>. Thread-safe until disposed.</remarks>
internal sealed class MaterialCipher : IDisposable
{
    public const int SealedLength = AeadKey.KeyLength + AeadKey.TagLength;

    private const int LineageLength = 32;

    private readonly AeadKey _key;
    private readonly AeadKey _legacyKey;

    /// <summary>Derives the keys, which may take Argon2id's time.</summary>
    /// <param name="masterKey">The configured password as UTF-8; not kept.</param>
    public MaterialCipher(SecretBytes masterKey, ReadOnlySpan<byte> salt, KeyDerivation derive)
    {
        using SecretBytes derived = derive(masterKey.Span, salt);
        using SecretBytes legacy = MasterKeyDerivation.LegacySha256(masterKey.Span);
        _key = AeadKey.From(derived.Span);
        _legacyKey = AeadKey.From(legacy.Span);
    }

    /// <summary>Opens the material of a record. Records without a marker may need the derivation of old RustFS builds.</summary>
    /// <param name="material">The caller's to dispose; null unless the verdict is Good.</param>
    /// <returns>Good, MaterialCorrupt or MaterialAuthenticationFailed.</returns>
    public KeyFileVerdict TryOpen(KeyFile file, out SecretBytes? material)
    {
        material = null;
        if (file.IsPlaintext)
        {
            if (file.Material.Length != AeadKey.KeyLength)
            {
                return KeyFileVerdict.MaterialCorrupt;
            }

            material = SecretBytes.CopyOf(file.Material.Span);
            return KeyFileVerdict.Good;
        }

        if (file.Nonce.Length != AeadKey.GcmNonceLength)
        {
            return KeyFileVerdict.MaterialCorrupt;
        }

        if (file.Material.Length != SealedLength)
        {
            return KeyFileVerdict.MaterialAuthenticationFailed;
        }

        SecretBytes opened = SecretBytes.Allocate(AeadKey.KeyLength);
        bool isOpen = _key.TryOpenGcm(file.Nonce, file.Material.Span, [], opened.Span)
            || (file.Protection == AtRestProtection.LegacyUnspecified && _legacyKey.TryOpenGcm(file.Nonce, file.Material.Span, [], opened.Span));
        if (!isOpen)
        {
            opened.Dispose();
            return KeyFileVerdict.MaterialAuthenticationFailed;
        }

        material = opened;
        return KeyFileVerdict.Good;
    }

    /// <summary>Seals a first version under a fresh nonce.</summary>
    /// <param name="material">A key: 32 bytes.</param>
    /// <returns>Nonce, and ciphertext with tag; the latter is the caller's to dispose.</returns>
    public (byte[] Nonce, SecretBytes Sealed) Seal(ReadOnlySpan<byte> material)
    {
        byte[] nonce = new byte[AeadKey.GcmNonceLength];
        RandomBytes.Fill(nonce);
        SecretBytes @sealed = SecretBytes.Allocate(SealedLength);
        _key.SealGcm(nonce, material, [], @sealed.Span);
        return (nonce, @sealed);
    }

    /// <summary>Seals a later version under a fresh nonce. It opens as that version of that key alone, and only beside the first version it
    /// was made for: one that is left over when a key is removed does not attach to a new key of the same name.</summary>
    /// <param name="first">The key's first material: 32 bytes.</param>
    public (byte[] Nonce, SecretBytes Sealed) SealVersion(string keyId, uint version, ReadOnlySpan<byte> first, ReadOnlySpan<byte> material)
    {
        byte[] nonce = new byte[AeadKey.XaesNonceLength];
        RandomBytes.Fill(nonce);
        SecretBytes @sealed = SecretBytes.Allocate(SealedLength);
        _key.SealXaes(nonce, material, Binding(keyId, version, first), @sealed.Span);
        return (nonce, @sealed);
    }

    /// <param name="first">The key's first material: 32 bytes.</param>
    /// <returns>The caller's to dispose; null when it does not open.</returns>
    public SecretBytes? TryOpenVersion(KeyVersionFile file, ReadOnlySpan<byte> first)
    {
        SecretBytes opened = SecretBytes.Allocate(AeadKey.KeyLength);
        if (_key.TryOpenXaes(file.Nonce, file.Material.Span, Binding(file.KeyId, file.Version, first), opened.Span))
        {
            return opened;
        }

        opened.Dispose();
        return null;
    }

    public void Dispose()
    {
        _key.Dispose();
        _legacyKey.Dispose();
    }

    /// <summary><c>label | version(4, big-endian) | lineage(32) | key id</c>; all but the last are of fixed length.</summary>
    private static byte[] Binding(string keyId, uint version, ReadOnlySpan<byte> first)
    {
        ReadOnlySpan<byte> label = "kms-sidecar/key-version/1"u8;
        byte[] id = Encoding.UTF8.GetBytes(keyId);
        byte[] binding = new byte[label.Length + sizeof(uint) + LineageLength + id.Length];
        label.CopyTo(binding);
        Span<byte> rest = binding.AsSpan(label.Length);
        BinaryPrimitives.WriteUInt32BigEndian(rest, version);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, first, rest.Slice(sizeof(uint), LineageLength), salt: [], info: "kms-sidecar/key-lineage/1"u8);
        id.CopyTo(rest[(sizeof(uint) + LineageLength)..]);
        return binding;
    }
}
