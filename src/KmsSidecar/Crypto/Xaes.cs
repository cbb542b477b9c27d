using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace KmsSidecar.Crypto;

/// <summary>The key derivation of XAES-256-GCM: two AES blocks turn key and first half of the nonce into a key for AES-256-GCM.</summary>
/// <remarks>
/// c2sp.org/XAES-256-GCM: <c>L = AES(K, 0^128); K1 = L &lt;&lt; 1 (xor 0x87 on carry);
/// M1 = 00 01 58 00 | N[:12]; M2 = 00 02 58 00 | N[:12]; Kx = AES(K, M1 ^ K1) | AES(K, M2 ^ K1); Nx = N[12:]</c>,
/// which is the counter-mode KDF of NIST SP 800-108 with CMAC. Here is what needs no cipher.
/// </remarks>
internal static class Xaes
{
    public const int DerivationInputLength = 96 / 8;

    /// <summary>M1 or M2.</summary>
    /// <param name="index">1 or 2.</param>
    /// <param name="input">The first <see cref="DerivationInputLength"/> bytes of the nonce.</param>
    public static Vector128<byte> Message(byte index, ReadOnlySpan<byte> input) => Vector128.Create(
        ((uint)index << 8) | ((uint)'X' << 16),
        BinaryPrimitives.ReadUInt32LittleEndian(input),
        BinaryPrimitives.ReadUInt32LittleEndian(input[4..]),
        BinaryPrimitives.ReadUInt32LittleEndian(input[8..])).AsByte();

    /// <summary>K1 from L: multiplies by x in GF(2^128) (NIST SP 800-38B, 6.1), without a branch on the secret carry.</summary>
    public static Vector128<byte> Double(Vector128<byte> block)
    {
        Span<byte> bytes = stackalloc byte[Vector128<byte>.Count];
        block.CopyTo(bytes);
        UInt128 value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        BinaryPrimitives.WriteUInt128BigEndian(bytes, unchecked((value << 1) ^ (0x87 & (UInt128.Zero - (value >> 127)))));
        Vector128<byte> doubled = Vector128.Create((ReadOnlySpan<byte>)bytes);
        bytes.Clear();
        return doubled;
    }
}
