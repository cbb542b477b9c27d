using System.Security.Cryptography;

namespace KmsSidecar.Auth;

/// <summary>A permanent secret key: a copy in pinned memory, wiped by <see cref="Dispose"/>.</summary>
/// <remarks>Safe for concurrent use, also against the disposal: a reader gets the whole secret or none of it.</remarks>
internal sealed class SecretKey : IDisposable
{
    private static long _lastVersion;

    private readonly Lock _lock = new();
    private readonly byte[] _bytes;
    private bool _isDisposed;

    /// <exception cref="ArgumentException"><see cref="FindFault"/> finds one.</exception>
    public SecretKey(ReadOnlySpan<byte> secret)
    {
        if (FindFault(secret) is string fault)
        {
            throw new ArgumentException(fault, nameof(secret));
        }

        _bytes = GC.AllocateUninitializedArray<byte>(secret.Length, pinned: true);
        secret.CopyTo(_bytes);
    }

    /// <summary>Above 0, and another one for each object of this type.</summary>
    public long Version { get; } = Interlocked.Increment(ref _lastVersion);

    /// <summary>Says why a secret key cannot be used, without repeating it; null when it can.</summary>
    public static string? FindFault(ReadOnlySpan<byte> secret)
    {
        if (secret.Length is 0 or > SigningKey.MaxSecretBytes)
        {
            return "the secret key is not 1 to 256 bytes long";
        }

        return secret.ContainsAnyInRange((byte)0, (byte)0x1F) ? "the secret key holds a control character" : null;
    }

    /// <param name="destination"><see cref="SigningKey.MaxSecretBytes"/> bytes; the caller wipes them.</param>
    /// <returns>How many bytes were written; 0 once the secret is wiped, for signing with zeros is what anyone can do.</returns>
    public int CopyTo(Span<byte> destination)
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return 0;
            }

            _bytes.CopyTo(destination);
            return _bytes.Length;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            CryptographicOperations.ZeroMemory(_bytes);
        }
    }

    public override string ToString() => "[secret]";
}
