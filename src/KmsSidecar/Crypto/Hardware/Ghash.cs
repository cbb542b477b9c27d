using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>GHASH (NIST SP 800-38D, 6.4) on carry-less multiplication, four blocks between two reductions.</summary>
/// <remarks>
/// Blocks are byte-reversed and multiplied as POLYVAL does (RFC 8452, appendix A), whose product comes with a factor of x^-128 that makes
/// the reduction two multiplications by a constant. The hash key is multiplied by x once, and the result is GHASH's.
/// </remarks>
/// <param name="powers">The hash key's, made by <see cref="PreparePowers"/>.</param>
internal ref struct Ghash<T>(ref readonly byte powers)
    where T : struct, IAesInstructions
{
    public const int PowerCount = 4;

    private const int BlockLength = 128 / 8;

    /// <summary>x^127 + x^126 + x^121: with 1 and x^128, POLYVAL's polynomial.</summary>
    private const ulong PolynomialUpperHalf = 0xC200_0000_0000_0000;

    private readonly ref readonly byte _powers = ref powers;
    private Vector128<ulong> _sum = Vector128<ulong>.Zero;

    private static Vector128<ulong> Polynomial => Vector128.Create(1UL, PolynomialUpperHalf);

    /// <param name="hashKey">The encrypted zero block.</param>
    /// <param name="powers">Room for <see cref="PowerCount"/> blocks.</param>
    public static void PreparePowers(Vector128<byte> hashKey, ref byte powers)
    {
        Vector128<ulong> first = MultiplyByX(Reverse(hashKey).AsUInt64());
        Vector128<ulong> power = first;
        power.AsByte().StoreUnsafe(ref powers);
        for (int i = 1; i < PowerCount; i++)
        {
            Product product = default;
            product.Add(power, first);
            power = product.Reduce();
            power.AsByte().StoreUnsafe(ref powers, (nuint)(i * BlockLength));
        }
    }

    /// <summary>Takes in whole blocks, the last one padded with zeroes.</summary>
    public void Absorb(ReadOnlySpan<byte> data)
    {
        while (data.Length > PowerCount * BlockLength)
        {
            AbsorbFew(data[..(PowerCount * BlockLength)]);
            data = data[(PowerCount * BlockLength)..];
        }

        if (!data.IsEmpty)
        {
            AbsorbFew(data);
        }
    }

    /// <summary>Takes in the two lengths, and gives the hash in the order of its bytes.</summary>
    public Vector128<byte> Finish(int associatedDataLength, int textLength)
    {
        Product product = default;
        product.Add(_sum ^ Vector128.Create((ulong)(uint)textLength * 8, (ulong)(uint)associatedDataLength * 8), Power(0));
        return Reverse(product.Reduce().AsByte());
    }

    /// <summary>One to four blocks: (sum + b1)·h^n + b2·h^(n-1) + … + bn·h, and one reduction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AbsorbFew(ReadOnlySpan<byte> data)
    {
        int power = (data.Length - 1) / BlockLength;
        Product product = default;
        Vector128<ulong> sum = _sum;
        for (; power > 0; power--)
        {
            product.Add(sum ^ Reverse(Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(data))).AsUInt64(), Power(power));
            sum = Vector128<ulong>.Zero;
            data = data[BlockLength..];
        }

        product.Add(sum ^ Reverse(PartialBlock.Load(data)).AsUInt64(), Power(0));
        _sum = product.Reduce();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly Vector128<ulong> Power(int index) => Vector128.LoadUnsafe(in _powers, (nuint)(uint)(index * BlockLength)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Reverse(Vector128<byte> block) =>
        T.Shuffle(block, Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> LowerToUpper(Vector128<ulong> value) =>
        T.Shuffle(value.AsByte(), Vector128.Create((byte)255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> UpperToLower(Vector128<ulong> value) =>
        T.Shuffle(value.AsByte(), Vector128.Create((byte)8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> SwapHalves(Vector128<ulong> value) =>
        T.Shuffle(value.AsByte(), Vector128.Create((byte)8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)).AsUInt64();

    /// <summary>Without a branch on the secret carry.</summary>
    private static Vector128<ulong> MultiplyByX(Vector128<ulong> value)
    {
        Vector128<ulong> carries = value >>> 63;
        Vector128<ulong> mask = Vector128<ulong>.Zero - (UpperToLower(carries) | LowerToUpper(UpperToLower(carries)));
        return ((value << 1) | LowerToUpper(carries)) ^ (mask & Polynomial);
    }

    /// <summary>A sum of products of 128 by 128 bits, before its reduction.</summary>
    private struct Product
    {
        private Vector128<ulong> _lower;
        private Vector128<ulong> _middle;
        private Vector128<ulong> _upper;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector128<ulong> left, Vector128<ulong> right)
        {
            Vector128<ulong> crossed = SwapHalves(right);
            _lower ^= T.MultiplyLower(left, right);
            _upper ^= T.MultiplyUpper(left, right);
            _middle ^= T.MultiplyLower(left, crossed) ^ T.MultiplyUpper(left, crossed);
        }

        /// <summary>Montgomery's way: twice the lower half times the polynomial's upper half takes 64 bits away each.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector128<ulong> Reduce()
        {
            Vector128<ulong> factor = Vector128.Create(PolynomialUpperHalf, 0);
            Vector128<ulong> lower = _lower ^ LowerToUpper(_middle);
            Vector128<ulong> upper = _upper ^ UpperToLower(_middle);
            lower = SwapHalves(lower) ^ T.MultiplyLower(lower, factor);
            lower = SwapHalves(lower) ^ T.MultiplyLower(lower, factor);
            return lower ^ upper;
        }
    }
}
