using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>The key derivation of XAES-256-GCM: two AES blocks turn key and first half of the nonce into a key for AES-256-GCM.</summary>
/// <remarks>
/// c2sp.org/XAES-256-GCM: <c>L = AES(K, 0^128); K1 = L &lt;&lt; 1 (xor 0x87 on carry);
/// M1 = 00 01 58 00 | N[:12]; M2 = 00 02 58 00 | N[:12]; Kx = AES(K, M1 ^ K1) | AES(K, M2 ^ K1); Nx = N[12:]</c>,
/// which is the counter-mode KDF of NIST SP 800-108 with CMAC.
/// </remarks>
internal static class Xaes
{
    public const int DerivationInputLength = 96 / 8;

    private const int BlockLength = 128 / 8;

    /// <param name="key">32 bytes. The framework's AES object holds a copy for the time of the call, and zeroes it when disposed.</param>
    /// <param name="input">The first <see cref="DerivationInputLength"/> bytes of the nonce.</param>
    /// <param name="derived">32 bytes; the caller wipes them.</param>
    public static void DeriveKey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input, Span<byte> derived)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, AeadKey.KeyLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Length, DerivationInputLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(derived.Length, AeadKey.KeyLength);

        Span<byte> subkey = stackalloc byte[BlockLength];
        Span<byte> blocks = stackalloc byte[2 * BlockLength];
        using Aes aes = Aes.Create();
        aes.SetKey(key);
        try
        {
            subkey.Clear();
            aes.EncryptEcb(subkey, subkey, PaddingMode.None);
            Double(subkey);

            for (int i = 0; i < 2; i++)
            {
                Span<byte> block = blocks.Slice(i * BlockLength, BlockLength);
                block.Clear();
                block[1] = (byte)(i + 1);
                block[2] = (byte)'X';
                input.CopyTo(block[4..]);
                Xor(block, subkey);
            }

            aes.EncryptEcb(blocks, derived, PaddingMode.None);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(subkey);
            CryptographicOperations.ZeroMemory(blocks);
        }
    }

    /// <summary>Multiplies by x in GF(2^128) (NIST SP 800-38B, 6.1), without a branch on the secret carry.</summary>
    private static void Double(Span<byte> block)
    {
        int carry = block[0] >> 7;
        for (int i = 0; i < BlockLength - 1; i++)
        {
            block[i] = unchecked((byte)((block[i] << 1) | (block[i + 1] >> 7)));
        }

        block[^1] = unchecked((byte)((block[^1] << 1) ^ (0x87 & -carry)));
    }

    private static void Xor(Span<byte> target, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < target.Length; i++)
        {
            target[i] ^= mask[i];
        }
    }
}
