using System.Buffers;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>A growing buffer for text with secrets in it: pinned, zeroed when it grows and when it is disposed.</summary>
/// <remarks>Not thread-safe. Its memory is lent by <see cref="PinnedPool"/>: no span of it may be used after <see cref="Dispose"/>.</remarks>
internal sealed class SecretBuffer(int initialCapacity = 1024) : IBufferWriter<byte>, IDisposable
{
    /// <summary>Lent at once when less is asked for: what is lent has to be wiped, used or not.</summary>
    private const int SmallestRoom = 256;

    private byte[] _bytes = PinnedPool.Rent(initialCapacity);
    private int _written;

    /// <summary>Bytes from the start that have ever been lent to a writer; behind them all is zero.</summary>
    private int _touched;

    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, _written);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _written);

    /// <summary>Bytes that can be written before the buffer moves, which ends the life of all spans of it.</summary>
    public int FreeCapacity => _bytes.Length - _written;

    /// <summary>Makes sure that the buffer does not move while so many bytes are written.</summary>
    public void Reserve(int count)
    {
        if (count > FreeCapacity)
        {
            Grow(_written + count);
        }
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - _written);
        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        int length = EnsureRoom(sizeHint);
        return _bytes.AsMemory(_written, length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        int length = EnsureRoom(sizeHint);
        return _bytes.AsSpan(_written, length);
    }

    /// <summary>Forgets and zeroes what was written, and may be written again.</summary>
    public void Clear()
    {
        // A writer may have put bytes behind those that it has advanced over.
        CryptographicOperations.ZeroMemory(_bytes.AsSpan(0, _touched));
        _written = _touched = 0;
    }

    public void Dispose()
    {
        byte[] bytes = _bytes;
        int touched = _touched;
        _bytes = [];
        _written = _touched = 0;
        PinnedPool.Return(bytes, touched);
    }

    private void Grow(int length)
    {
        byte[] larger = PinnedPool.Rent(length);
        WrittenSpan.CopyTo(larger);
        PinnedPool.Return(_bytes, _touched);
        _bytes = larger;
        _touched = _written;
    }

    /// <returns>Bytes to lend.</returns>
    private int EnsureRoom(int sizeHint)
    {
        int needed = _written + Math.Max(sizeHint, 1);
        if (needed > _bytes.Length)
        {
            Grow(Math.Max(needed, 2 * _bytes.Length));
        }

        int length = Math.Min(Math.Max(sizeHint, SmallestRoom), _bytes.Length - _written);
        _touched = Math.Max(_touched, _written + length);
        return length;
    }
}
