using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace KmsSidecar.Doubles.Transit;

/// <summary>Nonce, ciphertext and tag in a row, as Transit stores them.</summary>
internal static class AeadCipher
{
    private const int TagSize = 16;

    public static byte[] Seal(string type, byte[] key, byte[] plaintext, byte[] associatedData)
    {
        int nonceSize = NonceSize(type);
        byte[] result = new byte[nonceSize + plaintext.Length + TagSize];
        Span<byte> nonce = result.AsSpan(0, nonceSize);
        Span<byte> ciphertext = result.AsSpan(nonceSize, plaintext.Length);
        Span<byte> tag = result.AsSpan(nonceSize + plaintext.Length);
        RandomNumberGenerator.Fill(nonce);
        if (type.StartsWith("aes", StringComparison.Ordinal))
        {
            using AesGcm aes = new(key, TagSize);
            aes.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);
        }
        else
        {
            using ChaCha20Poly1305 chaCha = new(ChaChaKey(key, ref nonce));
            chaCha.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);
        }

        return result;
    }

    /// <exception cref="CryptographicException">The tag is another.</exception>
    public static byte[] Open(string type, byte[] key, byte[] bytes, byte[] associatedData)
    {
        int nonceSize = NonceSize(type);
        if (bytes.Length < nonceSize + TagSize)
        {
            throw new CryptographicException("too short");
        }

        byte[] plaintext = new byte[bytes.Length - nonceSize - TagSize];
        Span<byte> nonce = bytes.AsSpan(0, nonceSize);
        ReadOnlySpan<byte> ciphertext = bytes.AsSpan(nonceSize, plaintext.Length);
        ReadOnlySpan<byte> tag = bytes.AsSpan(bytes.Length - TagSize);
        if (type.StartsWith("aes", StringComparison.Ordinal))
        {
            using AesGcm aes = new(key, TagSize);
            aes.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
        }
        else
        {
            using ChaCha20Poly1305 chaCha = new(ChaChaKey(key, ref nonce));
            chaCha.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
        }

        return plaintext;
    }

    private static int NonceSize(string type) => type == "xchacha20-poly1305" ? 24 : 12;

    /// <summary>XChaCha20 is ChaCha20 with a key from the first 16 bytes of the nonce and the last 8 as the nonce (draft-irtf-cfrg-xchacha).</summary>
    private static byte[] ChaChaKey(byte[] key, ref Span<byte> nonce)
    {
        if (nonce.Length == 12)
        {
            return key;
        }

        byte[] subkey = HChaCha20(key, nonce[..16]);
        byte[] rest = new byte[12];
        nonce[16..].CopyTo(rest.AsSpan(4));
        nonce = rest;
        return subkey;
    }

    private static byte[] HChaCha20(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input)
    {
        Span<uint> state = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (int i = 0; i < 8; i++)
        {
            state[4 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
        }

        for (int i = 0; i < 4; i++)
        {
            state[12 + i] = BinaryPrimitives.ReadUInt32LittleEndian(input[(4 * i)..]);
        }

        for (int round = 0; round < 10; round++)
        {
            for (int i = 0; i < 4; i++)
            {
                QuarterRound(state, i, 4 + i, 8 + i, 12 + i);
            }

            for (int i = 0; i < 4; i++)
            {
                QuarterRound(state, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
            }
        }

        byte[] subkey = new byte[32];
        for (int i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(subkey.AsSpan(4 * i), state[i]);
            BinaryPrimitives.WriteUInt32LittleEndian(subkey.AsSpan(16 + (4 * i)), state[12 + i]);
        }

        return subkey;
    }

    private static void QuarterRound(Span<uint> s, int a, int b, int c, int d)
    {
        s[a] += s[b];
        s[d] = BitOperations.RotateLeft(s[d] ^ s[a], 16);
        s[c] += s[d];
        s[b] = BitOperations.RotateLeft(s[b] ^ s[c], 12);
        s[a] += s[b];
        s[d] = BitOperations.RotateLeft(s[d] ^ s[a], 8);
        s[c] += s[d];
        s[b] = BitOperations.RotateLeft(s[b] ^ s[c], 7);
    }
}
