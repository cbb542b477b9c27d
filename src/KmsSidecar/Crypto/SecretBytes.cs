using System.Diagnostics;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>Owned secret bytes of fixed length: pinned, so that the collector leaves no copies; zeroed by <see cref="Dispose"/>.</summary>
/// <remarks>Reading is safe from any thread. The owner disposes after the last reader; reading later throws.</remarks>
[DebuggerDisplay("[secret]")]
internal sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private volatile bool _disposed;

    private SecretBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    public int Length => _bytes.Length;

    /// <summary>True from the moment before the first byte is zeroed.</summary>
    public bool IsDisposed => _disposed;

    /// <summary>The secret itself. Do not keep the span beyond the life of this object.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>The secret as memory, for calls that cross an await; the same rules as <see cref="Span"/>.</summary>
    public Memory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>All zero, to be filled by the caller.</summary>
    public static SecretBytes Allocate(int length) => new(length);

    /// <summary>Copies; the source stays the caller's to wipe.</summary>
    public static SecretBytes CopyOf(ReadOnlySpan<byte> source)
    {
        SecretBytes copy = new(source.Length);
        source.CopyTo(copy._bytes);
        return copy;
    }

    /// <summary>From the operating system's generator.</summary>
    public static SecretBytes Random(int length)
    {
        SecretBytes secret = new(length);
        RandomBytes.Fill(secret._bytes);
        return secret;
    }

    /// <summary>Compares without a timing that depends on the content (the lengths are not secret).</summary>
    public bool FixedTimeEquals(SecretBytes other) => CryptographicOperations.FixedTimeEquals(Span, other.Span);

    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    public override string ToString() => "[secret]";
}
