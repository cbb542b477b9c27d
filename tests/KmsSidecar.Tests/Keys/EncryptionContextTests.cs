using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CsCheck;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class EncryptionContextTests
{
    // Text that puts every rule of the escaping to work, with some plain text between.
    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.Char[' ', '~'],
        Gen.Char['\0', '\x1f'],
        Gen.OneOf('"', '\\', '/', '\x7f', '\u2028', '\u00e9', '\uff21'))
        .Array[0, 6].Select(chars => new string(chars))
        .SelectMany(text => Gen.OneOf("", "😀", "\U0010ffff").Select(tail => text + tail));

    private static readonly Gen<Dictionary<string, string>> Pairs = Gen.Dictionary(Text, Text)[0, 5];

    [Fact]
    public void Empty_IsTwoBytes()
    {
        Assert.Equal("{}"u8, EncryptionContext.Empty.CanonicalBytes);
        Assert.True(EncryptionContext.Empty.IsEmpty);
        Assert.True(EncryptionContext.FromPairs([]).IsEmpty);
        Assert.False(Of(("", "")).IsEmpty);
        Assert.Equal("{\"\":\"\"}"u8, Of(("", "")).CanonicalBytes);
    }

    /// <summary>Computed with Python from RustFS's rules; the UTF-16 order would swap the last two names.</summary>
    [Fact]
    public void CanonicalBytes_MatchTheVector()
    {
        EncryptionContext context = Of(("z", "1"), ("😀", "emoji"), ("Ａ", "fullwidth"), ("a/b", "q\"\\\n\u0001é<&>+'"));
        Assert.Equal(
            "7b22612f62223a22715c225c5c5c6e5c7530303031c3a93c263e2b27222c227a223a2231222c22efbca1223a2266756c6c7769647468222c22f09f9880223a22656d6f6a69227d",
            Convert.ToHexStringLower(context.CanonicalBytes));
        Assert.Equal(
            "f828a80474c5f5520f527f1033021b8989eaa7f499e6a05f9378b4f8364937d7",
            Convert.ToHexStringLower(SHA256.HashData(context.CanonicalBytes)));
        Assert.Equal(
            "eyJhL2IiOiJxXCJcXFxuXHUwMDAxw6k8Jj4rJyIsInoiOiIxIiwi77yhIjoiZnVsbHdpZHRoIiwi8J+YgCI6ImVtb2ppIn0=",
            Convert.ToBase64String(context.CanonicalBytes));
        Assert.Equal(
            "7b226275636b65742d61223a226275636b65742d612f6f626a227d",
            Convert.ToHexStringLower(Of(("bucket-a", "bucket-a/obj")).CanonicalBytes));
    }

    [Theory]
    [InlineData("\u007f", "\u007f")]
    [InlineData("\u0080", "\u0080")]
    [InlineData("\u2028\u2029", "\u2028\u2029")]
    [InlineData("/<>&'+`", "/<>&'+`")]
    [InlineData("😀\U0010ffff", "😀\U0010ffff")]
    [InlineData("\uffff\ufeff", "\uffff\ufeff")]
    [InlineData("\b\t\n\f\r\"\\", "\\b\\t\\n\\f\\r\\\"\\\\")]
    [InlineData("\u0000\u0007\u000b\u000e\u001a\u001f", "\\u0000\\u0007\\u000b\\u000e\\u001a\\u001f")]
    public void OnlyQuoteBackslashAndControls_AreEscaped(string text, string canonical) =>
        Assert.Equal($"{{\"k\":\"{canonical}\"}}", Encoding.UTF8.GetString(Of(("k", text)).CanonicalBytes));

    [Fact]
    public void Names_AreInTheOrderOfTheirUtf8Bytes()
    {
        string[] names = ["\U00010000", "\uffff", "\ue000", "b", "aa", "a", "\\", "\n", "B"];
        EncryptionContext context = Of([.. names.Select(name => (name, ""))]);
        Assert.Equal(
            """{"\n":"","B":"","\\":"","a":"","aa":"","b":"",""" + "\"\ue000\":\"\",\"\uffff\":\"\",\"\U00010000\":\"\"}",
            Encoding.UTF8.GetString(context.CanonicalBytes));
    }

    [Fact]
    public void Order_DoesNotMatter() => Pairs.Sample(pairs =>
    {
        EncryptionContext context = EncryptionContext.FromPairs(pairs);
        EncryptionContext reversed = EncryptionContext.FromPairs(pairs.Reverse());
        return context.Equals(reversed) && context.GetHashCode() == reversed.GetHashCode()
            && context.CanonicalBytes.SequenceEqual(reversed.CanonicalBytes);
    });

    [Fact]
    public void CanonicalBytes_AreJsonOfThePairs() => Pairs.Sample(pairs =>
    {
        using JsonDocument document = JsonDocument.Parse(EncryptionContext.FromPairs(pairs).CanonicalBytes.ToArray());
        Dictionary<string, string> read = document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
        return read.Count == pairs.Count && pairs.All(pair => read[pair.Key] == pair.Value);
    });

    [Fact]
    public void DifferentPairs_HaveDifferentBytes() => Gen.Select(Pairs, Pairs).Sample((left, right) =>
    {
        bool same = left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out string? value) && value == pair.Value);
        EncryptionContext one = EncryptionContext.FromPairs(left);
        EncryptionContext other = EncryptionContext.FromPairs(right);
        return one.Equals(other) == same && one.CanonicalBytes.SequenceEqual(other.CanonicalBytes) == same;
    });

    [Fact]
    public void TextThatLooksLikeStructure_IsNotConfusedWithIt()
    {
        Assert.NotEqual(Of(("a", "b\",\"c\":\"d")), Of(("a", "b"), ("c", "d")));
        Assert.NotEqual(Of(("a\":\"b", "c")), Of(("a", "b\":\"c")));
        Assert.NotEqual(Of(("a", "\\n")), Of(("a", "\n")));
        Assert.NotEqual(Of(("a", "\\u0001")), Of(("a", "\u0001")));
    }

    [Fact]
    public void FromPairs_RefusesWhatCannotBeAContext()
    {
        Assert.Throws<ArgumentException>(() => Of(("a", "1"), ("b", "2"), ("a", "1")));
        Assert.ThrowsAny<ArgumentException>(() => Of(("\ud800", "")));
        Assert.ThrowsAny<ArgumentException>(() => Of(("", "\udc00\ud800")));
        Assert.Throws<ArgumentException>(() => Of(("", new string('x', 100_000))));
    }

    [Fact]
    public void Length_IsBoundedToTheByte()
    {
        const int Frame = 7;
        string longest = new('x', EncryptionContext.MaxCanonicalLength - Frame);
        Assert.Equal(EncryptionContext.MaxCanonicalLength, Of(("", longest)).CanonicalBytes.Length);
        Assert.Throws<ArgumentException>(() => Of(("", longest + "x")));
        Assert.Throws<ArgumentException>(() => Of(("", longest[..^1] + "\n")));
        Assert.Throws<ArgumentException>(() => Of(("", longest[..^1] + "é")));
    }

    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a=1", true)]
    [InlineData("a=1", "", true)]
    [InlineData("a=1", "a=1", true)]
    [InlineData("a=1,b=2", "a=1", true)]
    [InlineData("a=1,b=2,c=3", "a=1,c=3", true)]
    [InlineData("a=1,b=2,c=3", "b=2", true)]
    [InlineData("a=1", "a=2", false)]
    [InlineData("a=1", "a=1,b=2", false)]
    [InlineData("b=2", "a=1,b=2", false)]
    [InlineData("b=2", "a=1", false)]
    [InlineData("a=1", "b=2", false)]
    [InlineData("a=", "a=1", false)]
    [InlineData("x=1", "a=1", false)]
    [InlineData("a=1,\\=2,\n=3", "\\=2", true)]
    [InlineData("a=1,\\=2,\n=3", "\n=3", true)]
    [InlineData("a=1,\\=2,\n=3", "\\=\",\n=3", false)]
    public void Admits_FollowsRustFs(string request, string envelope, bool admitted) =>
        Assert.Equal(admitted, Written(request).Admits(Written(envelope)));

    [Fact]
    public void Admits_AgreesWithTheRuleOverMaps() => Gen.Select(Pairs, Pairs, Gen.Bool).Sample((request, other, overlap) =>
    {
        Dictionary<string, string> envelope = overlap ? request.Take(2).ToDictionary() : other;
        bool expected = request.Count == 0
            || envelope.All(pair => request.TryGetValue(pair.Key, out string? value) && value == pair.Value);
        return EncryptionContext.FromPairs(request).Admits(EncryptionContext.FromPairs(envelope)) == expected;
    });

    internal static EncryptionContext Of(params (string Name, string Value)[] pairs) =>
        EncryptionContext.FromPairs(pairs.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));

    private static EncryptionContext Written(string pairs) => Of(
        [.. pairs.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).Select(pair => (pair[0], pair[1]))]);
}
