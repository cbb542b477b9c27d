using System.Text;
using CsCheck;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

/// <summary>Properties of parser and writer over any input. An exception fails the sample.</summary>
public sealed class EnvelopeFuzzTests
{
    private const int Iterations = 20_000;

    private static readonly byte[][] Seeds =
    [
        .. RecordedDataKey.Local.Concat(RecordedDataKey.Static).Select(key => key.Blob),
        Encoding.UTF8.GetBytes(
            """{"key_id":"k","master_key_id":"\ud83d\ude00","key_spec":"AES_256","encrypted_key":[0,255],"nonce":[],"encryption_context":{"\"\\":"\u0001"},"created_at":"2024-01-01T00:00:00Z","master_key_version":1,"form":"bound-1","x":[{"y":null}]}"""),
    ];

    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "\"", "\\", "\\u", "\\ud800", "\\udc00", "{", "}", "[", "]", ",", ":", "0", "-", "256", "1e9", ".", "null",
            "\"key_id\":1,", "\"form\":\"bound-1\",", "\"encryption_context\":{", "\"master_key_version\":4294967296,",
            "\u2028", " ", "\0",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff],
        [0xc3],
        [0xed, 0xa0, 0x80],
        [0xf0, 0x9f, 0x98],
    ];

    private static readonly Gen<byte[]> Mutated = Gen.Select(
        Gen.OneOf(Seeds),
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[0, 20], Gen.OneOf(Gen.OneOf(Pieces), Gen.Byte.Array[0, 3])).Array[1, 4],
        (seed, edits) => edits.Aggregate(seed, (bytes, edit) =>
        {
            (int position, int removed, byte[] inserted) = edit;
            int at = position % (bytes.Length + 1);
            return [.. bytes[..at], .. inserted, .. bytes[Math.Min(at + removed, bytes.Length)..]];
        }));

    [Fact]
    public void AnyBytes_AreReadOrRefused() => Gen.Byte.Array[0, 300].Sample(IsConsistent, iter: Iterations);

    [Fact]
    public void MutatedEnvelopes_AreReadOrRefused() => Mutated.Sample(IsConsistent, iter: Iterations);

    [Fact]
    public void TruncatedEnvelopes_AreRefused()
    {
        foreach (byte[] seed in Seeds)
        {
            for (int length = 0; length < seed.Length; length++)
            {
                Assert.False(Envelope.TryParse(seed.AsSpan(0, length), out _));
                Assert.False(Envelope.IsEnvelope(seed.AsSpan(0, length)));
            }
        }
    }

    /// <summary>What parses is an envelope by RustFS's test too, writing it loses nothing that has a meaning, and both readers agree.</summary>
    private static bool IsConsistent(byte[] bytes)
    {
        if (!CompactEnvelopeReaderTests.Agrees(bytes))
        {
            return false;
        }

        bool classified = Envelope.IsEnvelope(bytes);
        if (!Envelope.TryParse(bytes, out Envelope? envelope))
        {
            return envelope is null;
        }

        string written = EnvelopeTests.Write(envelope);
        Envelope again = EnvelopeTests.Parse(written);
        return classified
            && EnvelopeTests.Write(again) == written
            && again.DataKeyId == envelope.DataKeyId
            && again.MasterKeyId == envelope.MasterKeyId
            && again.KeySpec == envelope.KeySpec
            && again.CreatedAt == envelope.CreatedAt
            && again.EncryptedKey.AsSpan().SequenceEqual(envelope.EncryptedKey)
            && again.Nonce.AsSpan().SequenceEqual(envelope.Nonce)
            && again.Context.Equals(envelope.Context)
            && again.MasterKeyVersion == envelope.MasterKeyVersion
            && again.Form == envelope.Form;
    }
}
