using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace KmsSidecar.Crypto;

/// <summary>How RustFS turns the configured master key of a key directory into the AES key that protects its files.</summary>
/// <remarks>
/// What cannot be wiped: the library zeroes its 19 MiB of blocks, but leaves its working blocks, the password's prehash and its digest
/// states to the collector, and none of its memory is pinned. Either is called when a key directory is opened, and rarely then.
/// </remarks>
internal static class MasterKeyDerivation
{
    public const int SaltLength = 128 / 8;

    // RustFS's constants; OWASP's second recommendation for Argon2id.
    private const int MemoryKib = 19 * 1024;
    private const int Iterations = 2;
    private const int Parallelism = 1;

    /// <summary>Argon2id (RFC 9106, version 0x13). Takes some 150 ms and 19 MiB.</summary>
    /// <param name="password">The configured text as UTF-8, to the letter; stays the caller's to wipe.</param>
    /// <param name="salt">Exactly <see cref="SaltLength"/> bytes.</param>
    /// <returns>A key of <see cref="AeadKey.KeyLength"/> bytes, the caller's to dispose.</returns>
    public static SecretBytes Argon2Id(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(salt.Length, SaltLength);

        Argon2Parameters parameters = new Argon2Parameters.Builder(Argon2Parameters.Argon2id)
            .WithVersion(Argon2Parameters.Version13)
            .WithMemoryAsKB(MemoryKib)
            .WithIterations(Iterations)
            .WithParallelism(Parallelism)
            .WithSalt(salt.ToArray())
            .Build();
        Argon2BytesGenerator generator = new();
        generator.Init(parameters);

        // The library takes arrays only; pinned, so that no copy of either outlives the wiping.
        byte[] passwordCopy = GC.AllocateUninitializedArray<byte>(password.Length, pinned: true);
        byte[] key = GC.AllocateUninitializedArray<byte>(AeadKey.KeyLength, pinned: true);
        try
        {
            password.CopyTo(passwordCopy);
            generator.GenerateBytes(passwordCopy, key);
            return SecretBytes.CopyOf(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(passwordCopy);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>SHA-256 over password and a fixed suffix: RustFS up to 1.0.0-beta.8. Only for reading what those wrote.</summary>
    /// <inheritdoc cref="Argon2Id" path="/param[@name='password']"/>
    /// <inheritdoc cref="Argon2Id" path="/returns"/>
    public static SecretBytes LegacySha256(ReadOnlySpan<byte> password)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(password);
        hash.AppendData("rustfs-kms-local"u8);
        SecretBytes key = SecretBytes.Allocate(AeadKey.KeyLength);
        hash.GetHashAndReset(key.Span);
        return key;
    }
}

/// <returns><see cref="AeadKey.KeyLength"/> bytes, the caller's to dispose.</returns>
internal delegate SecretBytes KeyDerivation(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt);
