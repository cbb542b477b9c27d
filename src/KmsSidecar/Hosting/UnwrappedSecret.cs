using System.Security.Cryptography;
using KmsSidecar.Crypto;

namespace KmsSidecar.Hosting;

/// <summary>What the last wrapping token brought: a change that failed for another reason can be asked for again with the same token.</summary>
/// <remarks>Calls are serialised by the caller.</remarks>
internal sealed class UnwrappedSecret : IDisposable
{
    private byte[] _token = [];
    private SecretBytes? _secret;

    /// <param name="token">Only its hash is kept.</param>
    /// <returns>The caller's.</returns>
    public ValueTask<SecretBytes> GetAsync(ReadOnlySpan<byte> token, Func<ValueTask<SecretBytes>> unwrap)
    {
        byte[] hash = SHA256.HashData(token);
        return _secret is not null && CryptographicOperations.FixedTimeEquals(hash, _token)
            ? new ValueTask<SecretBytes>(SecretBytes.CopyOf(_secret.Span))
            : UnwrapAsync(hash, unwrap);
    }

    public void Dispose() => _secret?.Dispose();

    private async ValueTask<SecretBytes> UnwrapAsync(byte[] hash, Func<ValueTask<SecretBytes>> unwrap)
    {
        SecretBytes secret = await unwrap();
        _secret?.Dispose();
        (_token, _secret) = (hash, SecretBytes.CopyOf(secret.Span));
        return secret;
    }
}
