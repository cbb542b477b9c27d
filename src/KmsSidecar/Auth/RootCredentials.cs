using System.Buffers;
using System.Security.Cryptography;

namespace KmsSidecar.Auth;

/// <summary>The one permanent key pair of the operator.</summary>
/// <remarks>Holds its own copy of the secret, in pinned memory, until it is disposed; from then on it knows no key.</remarks>
internal sealed class RootCredentials : ICredentialSource, IDisposable
{
    private const int MinAccessKeyChars = 3;

    private const int MaxAccessKeyChars = 128;

    // RustFS asks for eight characters; the pair in its documentation is shorter, so this only makes HasWeakSecret true.
    private const int MinStrongSecretBytes = 8;

    // Others would need escaping within Credential=, and curl from 8.21 on does escape them while other clients do not.
    private static readonly SearchValues<char> AccessKeyAlphabet =
        SearchValues.Create("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static long _lastVersion;

    private readonly Lock _lock = new();
    private readonly string _accessKey;
    private readonly byte[] _secret;
    private readonly long _version = Interlocked.Increment(ref _lastVersion);
    private readonly Principal _principal;
    private bool _isDisposed;

    /// <exception cref="ArgumentException"><see cref="FindAccessKeyFault"/> or <see cref="FindSecretKeyFault"/> finds one.</exception>
    public RootCredentials(string accessKey, ReadOnlySpan<byte> secret)
    {
        if ((FindAccessKeyFault(accessKey) ?? FindSecretKeyFault(secret)) is string fault)
        {
            throw new ArgumentException(fault);
        }

        _accessKey = accessKey;
        _principal = new Principal(accessKey, IsOwner: true);
        _secret = GC.AllocateUninitializedArray<byte>(secret.Length, pinned: true);
        secret.CopyTo(_secret);
        HasWeakSecret = secret.Length < MinStrongSecretBytes || secret.SequenceEqual("rustfsadmin"u8);
    }

    public bool IsEmpty => false;

    /// <summary>The secret is very short or the one of RustFS's documentation: worth a warning, not a refusal.</summary>
    public bool HasWeakSecret { get; }

    /// <summary>Says why an access key cannot be used, without repeating it; null when it can.</summary>
    public static string? FindAccessKeyFault(string accessKey)
    {
        bool isUsable = accessKey.Length is >= MinAccessKeyChars and <= MaxAccessKeyChars
            && !accessKey.AsSpan().ContainsAnyExcept(AccessKeyAlphabet);
        return isUsable ? null : "the access key is not 3 to 128 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'";
    }

    /// <summary>Says why a secret key cannot be used, without repeating it; null when it can.</summary>
    public static string? FindSecretKeyFault(ReadOnlySpan<byte> secret)
    {
        if (secret.Length is 0 or > SigningKey.MaxSecretBytes)
        {
            return "the secret key is not 1 to 256 bytes long";
        }

        return secret.ContainsAnyInRange((byte)0, (byte)0x1F) ? "the secret key holds a control character" : null;
    }

    public CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret)
    {
        lock (_lock)
        {
            // Signing with a wiped secret would be signing with zeros, which anyone can do.
            if (_isDisposed || accessKey != _accessKey)
            {
                return CredentialLookup.Unknown;
            }

            _secret.CopyTo(secret);
            return new CredentialLookup(_principal, _secret.Length, _version, sessionToken is null ? null : AuthFailure.UnexpectedToken);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            CryptographicOperations.ZeroMemory(_secret);
        }
    }
}
