using System.Numerics;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>Lends pinned arrays, so that requests do not each make and pin their own. What comes back is zeroed at once.</summary>
/// <remarks>Lock-free and thread-safe. Bounded: <see cref="Slots"/> arrays of each size are kept, further ones are left to the collector.</remarks>
internal static class PinnedPool
{
    private const int SmallestShift = 9;
    private const int LargestShift = 17;

    /// <summary>Arrays kept of each size; more than connections that are served at one moment.</summary>
    private const int Slots = 64;

    private static readonly byte[]?[][] Sizes = [.. Enumerable.Range(0, LargestShift - SmallestShift + 1).Select(static _ => new byte[]?[Slots])];

    /// <summary>All zero, of at least <paramref name="length"/> bytes.</summary>
    public static byte[] Rent(int length)
    {
        int shift = ShiftFor(length);
        if (shift > LargestShift)
        {
            return GC.AllocateArray<byte>(length, pinned: true);
        }

        byte[]?[] slots = Sizes[shift - SmallestShift];
        for (int i = 0; i < slots.Length; i++)
        {
            if (Volatile.Read(ref slots[i]) is not null && Interlocked.Exchange(ref slots[i], null) is { } kept)
            {
                return kept;
            }
        }

        return GC.AllocateArray<byte>(1 << shift, pinned: true);
    }

    /// <summary>Zeroes it. The caller must not touch it again.</summary>
    /// <param name="used">Bytes from the start that may not be zero.</param>
    public static void Return(byte[] array, int used)
    {
        CryptographicOperations.ZeroMemory(array.AsSpan(0, used));
        int shift = ShiftFor(array.Length);
        if (shift > LargestShift || array.Length != 1 << shift)
        {
            return;
        }

        byte[]?[] slots = Sizes[shift - SmallestShift];
        for (int i = 0; i < slots.Length; i++)
        {
            if (Volatile.Read(ref slots[i]) is null && Interlocked.CompareExchange(ref slots[i], array, null) is null)
            {
                return;
            }
        }
    }

    private static int ShiftFor(int length) => Math.Max(SmallestShift, BitOperations.Log2((uint)Math.Max(length, 1) - 1) + 1);
}
