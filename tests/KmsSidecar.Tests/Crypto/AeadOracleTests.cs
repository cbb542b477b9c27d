using CsCheck;
using KmsSidecar.Crypto;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

/// <summary>Both algorithms against BouncyCastle, which shares no code with the framework's OpenSSL.</summary>
public sealed class AeadOracleTests
{
    // Primes lie on no block boundary; the rest are the boundaries and what is beside them.
    private static readonly int[] Lengths =
        [0, 1, 2, 3, 5, 7, 11, 13, 15, 16, 17, 19, 31, 32, 33, 47, 48, 63, 64, 65, 97, 127, 128, 129, 251, 257, 509, 1021, 4093, 4096];

    private static readonly Gen<(byte[] Key, byte[] Nonce, byte[] Plaintext, byte[] AssociatedData)> Inputs = Gen.Select(
        Gen.Byte.Array[AeadKey.KeyLength],
        Gen.Byte.Array[AeadKey.XaesNonceLength],
        Gen.OneOf(Lengths).SelectMany(n => Gen.Byte.Array[n]),
        Gen.OneOf(Lengths).SelectMany(n => Gen.Byte.Array[n]));

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void Gcm_AgreesWithBouncyCastle(string engine) => Inputs.Sample(
        input =>
        {
            byte[] nonce = input.Nonce[..AeadKey.GcmNonceLength];
            byte[] expected = BouncyCastleGcm(input.Key, nonce, input.Plaintext, input.AssociatedData);

            using AeadKey key = AeadKey.From(input.Key, Engines.Named(engine));
            byte[] actual = new byte[input.Plaintext.Length + AeadKey.TagLength];
            key.SealGcm(nonce, input.Plaintext, input.AssociatedData, actual);
            byte[] opened = new byte[input.Plaintext.Length];
            return actual.AsSpan().SequenceEqual(expected)
                && key.TryOpenGcm(nonce, expected, input.AssociatedData, opened)
                && opened.AsSpan().SequenceEqual(input.Plaintext);
        },
        iter: 400,
        threads: 1);

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void Xaes_AgreesWithBouncyCastle(string engine) => Inputs.Sample(
        input =>
        {
            byte[] derived = BouncyCastleKdf(input.Key, input.Nonce.AsSpan(0, 12));
            byte[] expected = BouncyCastleGcm(derived, input.Nonce[12..], input.Plaintext, input.AssociatedData);

            using AeadKey key = AeadKey.From(input.Key, Engines.Named(engine));
            byte[] actual = new byte[input.Plaintext.Length + AeadKey.TagLength];
            key.SealXaes(input.Nonce, input.Plaintext, input.AssociatedData, actual);
            byte[] opened = new byte[input.Plaintext.Length];
            return actual.AsSpan().SequenceEqual(expected)
                && key.TryOpenXaes(input.Nonce, expected, input.AssociatedData, opened)
                && opened.AsSpan().SequenceEqual(input.Plaintext);
        },
        iter: 400,
        threads: 1);

    /// <summary>Every engine in every case, opening what the oracle sealed and refusing it with one bit changed.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public void MillionCases_AreTheSameOnEveryEngine()
    {
        const int Cases = 1_000_000;
        AeadEngine[] engines = AeadEngine.Hardware is { } hardware ? [hardware, AeadEngine.Framework] : [AeadEngine.Framework];
        Random random = new(20260101);
        byte[] key = new byte[AeadKey.KeyLength];
        byte[] nonce = new byte[AeadKey.GcmNonceLength];
        for (int i = 0; i < Cases; i++)
        {
            // Mostly as long as data keys and contexts are, now and then over several of the widest steps.
            int scale = i % 64 == 0 ? 600 : 70;
            byte[] plaintext = new byte[random.Next(scale)];
            byte[] associatedData = new byte[random.Next(2 * scale)];
            random.NextBytes(key);
            random.NextBytes(nonce);
            random.NextBytes(plaintext);
            random.NextBytes(associatedData);
            byte[] expected = BouncyCastleGcm(key, nonce, plaintext, associatedData);
            int bit = random.Next(8 * expected.Length);
            foreach (AeadEngine engine in engines)
            {
                using AeadKey aead = AeadKey.From(key, engine);
                byte[] actual = new byte[expected.Length];
                byte[] opened = new byte[plaintext.Length];
                aead.SealGcm(nonce, plaintext, associatedData, actual);
                bool isRight = actual.AsSpan().SequenceEqual(expected)
                    && aead.TryOpenGcm(nonce, expected, associatedData, opened)
                    && opened.AsSpan().SequenceEqual(plaintext);
                actual[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.True(isRight && !aead.TryOpenGcm(nonce, actual, associatedData, opened), $"case {i} on {engine.Name}");
            }
        }
    }

    private static byte[] BouncyCastleGcm(byte[] key, byte[] nonce, byte[] plaintext, byte[] associatedData)
    {
        GcmBlockCipher cipher = new(new AesEngine());
        cipher.Init(forEncryption: true, new AeadParameters(new KeyParameter(key), 8 * AeadKey.TagLength, nonce, associatedData));
        byte[] output = new byte[cipher.GetOutputSize(plaintext.Length)];
        int written = cipher.ProcessBytes(plaintext, 0, plaintext.Length, output, 0);
        cipher.DoFinal(output, written);
        return output;
    }

    /// <summary>NIST SP 800-108 in counter mode with CMAC: counter (16 bits) | label "X" | 0x00 | first half of the nonce.</summary>
    private static byte[] BouncyCastleKdf(byte[] key, ReadOnlySpan<byte> context)
    {
        CMac mac = new(new AesEngine());
        mac.Init(new KeyParameter(key));
        byte[] derived = new byte[32];
        for (byte counter = 1; counter <= 2; counter++)
        {
            mac.BlockUpdate([0, counter, (byte)'X', 0, .. context]);
            mac.DoFinal(derived, 16 * (counter - 1));
        }

        return derived;
    }
}
