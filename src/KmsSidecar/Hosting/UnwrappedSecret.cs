using System.Security.Cryptography;
using KmsSidecar.Crypto;

namespace KmsSidecar.Hosting;

/// <summary>What the last wrapping token brought: a change that failed for another reason can be asked for again with the same token.</summary>
/// <remarks>Calls are serialised by the caller.</remarks>
internal sealed class UnwrappedSecret : IDisposable
{
    private byte[] _token = [];
    private SecretBytes? _secret;
    private Task _unwrapping = Task.CompletedTask;

    /// <param name="token">Only its hash is kept.</param>
    /// <param name="unwrap">Goes on when nobody waits for it any more: a wrapping token is spent once, and what it brings is for who asks again.</param>
    /// <returns>The caller's.</returns>
    public ValueTask<SecretBytes> GetAsync(ReadOnlySpan<byte> token, Func<ValueTask<SecretBytes>> unwrap, CancellationToken cancellation) =>
        GetAsync(SHA256.HashData(token), unwrap, cancellation);

    public void Dispose() => _secret?.Dispose();

    private async ValueTask<SecretBytes> GetAsync(byte[] hash, Func<ValueTask<SecretBytes>> unwrap, CancellationToken cancellation)
    {
        await _unwrapping.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        if (_secret is null || !CryptographicOperations.FixedTimeEquals(hash, _token))
        {
            _unwrapping = UnwrapAsync(hash, unwrap);
            await _unwrapping.WaitAsync(cancellation);
        }

        return SecretBytes.CopyOf(_secret!.Span);
    }

    private async Task UnwrapAsync(byte[] hash, Func<ValueTask<SecretBytes>> unwrap)
    {
        SecretBytes secret = await unwrap();
        _secret?.Dispose();
        (_token, _secret) = (hash, secret);
    }
}
