using System.Buffers;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>A growing buffer for text with secrets in it: pinned, zeroed when it grows and when it is disposed.</summary>
/// <remarks>Not thread-safe. Its memory is lent by <see cref="PinnedPool"/>: no span of it may be used after <see cref="Dispose"/>.</remarks>
internal sealed class SecretBuffer(int initialCapacity = 1024) : IBufferWriter<byte>, IDisposable
{
    private byte[] _bytes = PinnedPool.Rent(initialCapacity);
    private int _written;

    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, _written);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _written);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - _written);
        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _bytes.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _bytes.AsSpan(_written);
    }

    /// <summary>Forgets and zeroes what was written, and may be written again.</summary>
    public void Clear()
    {
        // All of it: a writer may have put bytes behind those that it has advanced over.
        CryptographicOperations.ZeroMemory(_bytes);
        _written = 0;
    }

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        _written = 0;
        PinnedPool.Return(bytes);
    }

    private void EnsureRoom(int sizeHint)
    {
        int needed = _written + Math.Max(sizeHint, 1);
        if (needed <= _bytes.Length)
        {
            return;
        }

        byte[] larger = PinnedPool.Rent(Math.Max(needed, 2 * _bytes.Length));
        WrittenSpan.CopyTo(larger);
        PinnedPool.Return(_bytes);
        _bytes = larger;
    }
}
