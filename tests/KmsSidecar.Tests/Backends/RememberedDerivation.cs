using System.Collections.Concurrent;
using KmsSidecar.Crypto;

namespace KmsSidecar.Tests.Backends;

/// <summary>The real derivation, done once for each password and salt: tests open the same few directories many times.</summary>
internal static class RememberedDerivation
{
    private static readonly ConcurrentDictionary<string, Lazy<SecretBytes>> Derived = new(StringComparer.Ordinal);

    public static SecretBytes Argon2Id(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        (byte[] passwordCopy, byte[] saltCopy) = (password.ToArray(), salt.ToArray());
        Lazy<SecretBytes> derived = Derived.GetOrAdd(
            $"{Convert.ToHexString(password)}/{Convert.ToHexString(salt)}",
            _ => new Lazy<SecretBytes>(() => MasterKeyDerivation.Argon2Id(passwordCopy, saltCopy)));
        return SecretBytes.CopyOf(derived.Value.Span);
    }
}
