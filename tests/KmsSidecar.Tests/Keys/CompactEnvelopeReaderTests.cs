using System.Text;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

/// <summary>The reader of the usual spelling against the one that reads every spelling.</summary>
public sealed class CompactEnvelopeReaderTests
{
    private const string Usual =
        """{"key_id":"k","master_key_id":"m","key_spec":"AES_256","encrypted_key":[0,9,10,99,100,255],"nonce":[],"encryption_context":{"a":"1","b":""},"created_at":"t","master_key_version":4,"form":"bound-1"}""";

    [Fact]
    public void RecordedEnvelopes_AreTakenWhenTheirContextIsInOrder() => Assert.All(
        RecordedDataKey.Local.Concat(RecordedDataKey.Static),
        static key => Assert.Equal(key.Blob.AsSpan().IndexOf(key.Context.CanonicalBytes) >= 0 && !key.Blob.Contains((byte)'\\'), IsTaken(key.Blob)));

    [Theory]
    [InlineData("", "")]
    [InlineData(""","form":"bound-1"}""", "}")]
    [InlineData(""","master_key_version":4,"form":"bound-1"}""", "}")]
    [InlineData("""{"a":"1","b":""}""", "{}")]
    [InlineData("\"1\"", "\"\u00fc\"")]
    [InlineData("\"m\"", "\"\u007f\"")]
    [InlineData(":4,", ":0,")]
    [InlineData(":4,", ":999999999,")]
    public void WhatIsWritten_IsTaken(string was, string becomes) => Assert.True(IsTaken(Replaced(was, becomes)));

    [Theory]
    [InlineData("[0,", "[00,")]
    [InlineData("[0,", "[01,")]
    [InlineData("[0,", "[,")]
    [InlineData("[0,", "[-1,")]
    [InlineData("[0,", "[ 0,")]
    [InlineData("255]", "256]")]
    [InlineData("255]", "2550]")]
    [InlineData("255]", "255,]")]
    [InlineData("255]", "25.5]")]
    [InlineData("[]", "")]
    [InlineData(":4,", ":04,")]
    [InlineData(":4,", ":4294967295,")]
    [InlineData(":4,", ":null,")]
    [InlineData("bound-1", "bound-2")]
    [InlineData(""","master_key_version":4""", "")]
    [InlineData("\"a\"", "\"c\"")]
    [InlineData("\"a\"", "\"b\"")]
    [InlineData("\"a\"", "\"\\u0061\"")]
    [InlineData("\"1\"", "1")]
    [InlineData("\"m\"", "\"\\n\"")]
    [InlineData("key_id", "key_Id")]
    [InlineData("bound-1\"}", "bound-1\"}}")]
    [InlineData("bound-1\"}", "bound-1\"} ")]
    [InlineData("bound-1\"}", "bound-1\",\"x\":1}")]
    public void OtherSpellings_AreLeftToTheOtherReader(string was, string becomes) => Assert.False(IsTaken(Replaced(was, becomes)));

    [Fact]
    public void LongTexts_AreLeftToTheOtherReader()
    {
        Assert.True(IsTaken(Replaced("\"m\"", $"\"{new string('m', 256)}\"")));
        Assert.False(IsTaken(Replaced("\"m\"", $"\"{new string('m', 257)}\"")));
        Assert.True(IsTaken(Replaced("[]", $"[{string.Join(',', Enumerable.Repeat(7, 256))}]")));
        Assert.False(IsTaken(Replaced("[]", $"[{string.Join(',', Enumerable.Repeat(7, 257))}]")));
    }

    [Fact]
    public void EveryByte_IsWrittenAndRead()
    {
        Envelope envelope = EnvelopeTests.Parse(Encoding.UTF8.GetString(Replaced("[]", $"[{string.Join(',', Enumerable.Range(0, 256))}]")));
        Assert.Equal(Enumerable.Range(0, 256).Select(static value => (byte)value), envelope.Nonce);
        Assert.Contains($"\"nonce\":[{string.Join(',', Enumerable.Range(0, 256))}]", EnvelopeTests.Write(envelope), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(EncryptionContext.MaxCanonicalLength, true)]
    [InlineData(EncryptionContext.MaxCanonicalLength + 1, false)]
    public void LongestContext_IsTaken(int length, bool isTaken)
    {
        // 32 pairs of 250 bytes each, with their commas, and one that takes up what they leave.
        string last = $"\"99\":\"{new string('v', length - "{}".Length - (32 * 250) - "\"99\":\"\"".Length)}\"";
        IEnumerable<string> pairs = [.. Enumerable.Range(10, 32).Select(static name => $"\"{name}\":\"{new string('v', 242)}\""), last];
        string context = $"{{{string.Join(',', pairs)}}}";
        Assert.Equal(length, context.Length);
        Assert.Equal(isTaken, IsTaken(Replaced("""{"a":"1","b":""}""", context)));
    }

    /// <summary>What is taken, the other reader reads as the same envelope.</summary>
    internal static bool Agrees(ReadOnlySpan<byte> json)
    {
        if (!CompactEnvelopeReader.TryRead(json, out Envelope? compact))
        {
            return compact is null;
        }

        return EnvelopeReader.TryRead(json, out Envelope? envelope)
            && EnvelopeTests.Write(compact) == EnvelopeTests.Write(envelope)
            && compact.MasterKeyVersion == envelope.MasterKeyVersion
            && compact.Form == envelope.Form;
    }

    private static bool IsTaken(byte[] json)
    {
        Assert.True(Agrees(json));
        return CompactEnvelopeReader.TryRead(json, out _);
    }

    private static byte[] Replaced(string was, string becomes)
    {
        int at = Usual.IndexOf(was, StringComparison.Ordinal);
        Assert.True(at >= 0);
        return Encoding.UTF8.GetBytes(string.Concat(Usual.AsSpan(0, at), becomes, Usual.AsSpan(at + was.Length)));
    }
}
