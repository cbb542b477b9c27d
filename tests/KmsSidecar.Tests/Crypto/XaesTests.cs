using System.Text;
using System.Text.Json;
using KmsSidecar.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

/// <summary>The vectors of c2sp.org/XAES-256-GCM.</summary>
public sealed class XaesTests
{
    private static readonly JsonElement File = VectorFile.Read("xaes-256-gcm", "c2sp.json");

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void Derivation_MatchesTheVectors(string name)
    {
        AeadEngine engine = Engines.Named(name);
        Assert.Equal(2, File.GetProperty("vectors").GetArrayLength());
        foreach (JsonElement vector in File.GetProperty("vectors").EnumerateArray())
        {
            byte[] derived = new byte[AeadKey.KeyLength];
            byte[] nonce = Encoding.ASCII.GetBytes(vector.Text("nonce_ascii"));
            byte[] state = new byte[engine.StateLength];
            engine.Prepare(vector.Hex("key"), state);
            engine.DeriveKey(state, nonce.AsSpan(0, Xaes.DerivationInputLength), derived);
            Assert.Equal(vector.Hex("derived_key"), derived);
        }
    }

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void Vectors_SealAndOpen(string engine)
    {
        foreach (JsonElement vector in File.GetProperty("vectors").EnumerateArray())
        {
            using AeadKey key = AeadKey.From(vector.Hex("key"), Engines.Named(engine));
            byte[] nonce = Encoding.ASCII.GetBytes(vector.Text("nonce_ascii"));
            byte[] plaintext = Encoding.ASCII.GetBytes(vector.Text("plaintext_ascii"));
            byte[] associatedData = Encoding.ASCII.GetBytes(vector.Text("aad_ascii"));

            byte[] @sealed = new byte[plaintext.Length + AeadKey.TagLength];
            key.SealXaes(nonce, plaintext, associatedData, @sealed);
            Assert.Equal(vector.Hex("ciphertext"), @sealed);

            byte[] opened = new byte[plaintext.Length];
            Assert.True(key.TryOpenXaes(nonce, @sealed, associatedData, opened));
            Assert.Equal(plaintext, opened);
        }
    }

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void Accumulated_TenThousand(string engine) => Assert.Equal(Expected(10_000), Accumulate(10_000, Engines.Named(engine)));

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    [Trait("Category", "Slow")]
    public void Accumulated_Million(string engine) => Assert.Equal(Expected(1_000_000), Accumulate(1_000_000, Engines.Named(engine)));

    private static string Expected(int iterations) => File.GetProperty("accumulated").GetProperty("expected").Text($"{iterations}");

    private static string Accumulate(int iterations, AeadEngine engine)
    {
        ShakeDigest input = new(128);
        ShakeDigest output = new(128);
        Span<byte> secret = stackalloc byte[AeadKey.KeyLength];
        Span<byte> nonce = stackalloc byte[AeadKey.XaesNonceLength];
        Span<byte> plaintextBuffer = stackalloc byte[byte.MaxValue];
        Span<byte> associatedDataBuffer = stackalloc byte[byte.MaxValue];
        Span<byte> openedBuffer = stackalloc byte[byte.MaxValue];
        Span<byte> sealedBuffer = stackalloc byte[byte.MaxValue + AeadKey.TagLength];
        for (int i = 0; i < iterations; i++)
        {
            input.Output(secret);
            input.Output(nonce);
            Span<byte> plaintext = TakeCounted(input, plaintextBuffer);
            Span<byte> associatedData = TakeCounted(input, associatedDataBuffer);

            using AeadKey key = AeadKey.From(secret, engine);
            Span<byte> @sealed = sealedBuffer[..(plaintext.Length + AeadKey.TagLength)];
            key.SealXaes(nonce, plaintext, associatedData, @sealed);
            output.BlockUpdate(@sealed);

            Span<byte> opened = openedBuffer[..plaintext.Length];
            Assert.True(key.TryOpenXaes(nonce, @sealed, associatedData, opened));
            Assert.True(opened.SequenceEqual(plaintext));
        }

        byte[] digest = new byte[32];
        output.OutputFinal(digest);
        return Convert.ToHexStringLower(digest);
    }

    private static Span<byte> TakeCounted(ShakeDigest input, Span<byte> buffer)
    {
        input.Output(buffer[..1]);
        Span<byte> bytes = buffer[..buffer[0]];
        input.Output(bytes);
        return bytes;
    }
}
