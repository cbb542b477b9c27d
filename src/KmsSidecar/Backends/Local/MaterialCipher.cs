using System.Security.Cryptography;
using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Local;

/// <summary>Opens and seals the material of key records under the master key.</summary>
/// <remarks>AES-256-GCM, 96-bit nonce, nothing authenticated beside the material. Thread-safe until disposed.</remarks>
internal sealed class MaterialCipher : IDisposable
{
    private const int SealedLength = AeadKey.KeyLength + AeadKey.TagLength;

    private readonly AeadKey _key;

    /// <summary>Derives the key, which takes Argon2id's time.</summary>
    /// <param name="masterKey">The configured password as UTF-8; not kept.</param>
    public MaterialCipher(SecretBytes masterKey, ReadOnlySpan<byte> salt)
    {
        using SecretBytes derived = MasterKeyDerivation.Argon2Id(masterKey.Span, salt);
        _key = AeadKey.From(derived.Span);
    }

    /// <param name="masterKey">For records without a marker, which may need the derivation of old RustFS builds.</param>
    /// <param name="key">The caller's to dispose; null unless the verdict is Good.</param>
    /// <returns>Good, MaterialCorrupt or MaterialAuthenticationFailed.</returns>
    public KeyFileVerdict TryOpen(KeyFile file, SecretBytes masterKey, out AeadKey? key)
    {
        key = null;
        if (file.IsPlaintext)
        {
            if (file.Material.Length != AeadKey.KeyLength)
            {
                return KeyFileVerdict.MaterialCorrupt;
            }

            key = AeadKey.From(file.Material.Span);
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

        if (!TryOpen(_key, file, out key) && file.Protection == AtRestProtection.LegacyUnspecified)
        {
            using SecretBytes derived = MasterKeyDerivation.LegacySha256(masterKey.Span);
            using AeadKey legacy = AeadKey.From(derived.Span);
            TryOpen(legacy, file, out key);
        }

        return key is null ? KeyFileVerdict.MaterialAuthenticationFailed : KeyFileVerdict.Good;
    }

    /// <summary>Seals under a fresh nonce.</summary>
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

    public void Dispose() => _key.Dispose();

    private static bool TryOpen(AeadKey master, KeyFile file, out AeadKey? key)
    {
        Span<byte> material = stackalloc byte[AeadKey.KeyLength];
        try
        {
            key = master.TryOpenGcm(file.Nonce, file.Material.Span, [], material) ? AeadKey.From(material) : null;
            return key is not null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(material);
        }
    }
}
