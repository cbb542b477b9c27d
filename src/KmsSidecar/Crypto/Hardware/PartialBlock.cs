using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>The last block of a text, which may be short.</summary>
internal static class PartialBlock
{
    private const int Length = 128 / 8;

    /// <param name="bytes">One to sixteen.</param>
    /// <returns>Padded with zeroes.</returns>
    public static Vector128<byte> Load(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == Length)
        {
            return Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(bytes));
        }

        Span<byte> padded = stackalloc byte[Length];
        padded.Clear();
        bytes.CopyTo(padded);
        Vector128<byte> block = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(padded));
        padded.Clear();
        return block;
    }

    /// <param name="destination">One to sixteen bytes; takes as many of the block.</param>
    public static void Store(Vector128<byte> block, Span<byte> destination)
    {
        if (destination.Length == Length)
        {
            block.StoreUnsafe(ref MemoryMarshal.GetReference(destination));
            return;
        }

        Span<byte> whole = stackalloc byte[Length];
        block.StoreUnsafe(ref MemoryMarshal.GetReference(whole));
        whole[..destination.Length].CopyTo(destination);
        whole.Clear();
    }
}
