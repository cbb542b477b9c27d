using System.Collections.Immutable;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using Xunit;

namespace KmsSidecar.Tests.Json;

public sealed class StrictObjectTests
{
    [Fact]
    public void Members_ComeInOrderWithTheirValues()
    {
        StrictObject members = new("""{"text":"a\u0062","number":-3,"flag":true,"none":null,"map":{"k":"v"},"list":["x","y"]}"""u8);

        Assert.True(members.Next());
        Assert.Equal(("text", "ab"), (members.Name, members.Text(2)));
        Assert.True(members.Next());
        Assert.Equal(-3, members.Number(-3, 5));
        Assert.True(members.Next());
        Assert.True(members.Flag());
        Assert.True(members.Next());
        Assert.True(members.IsNull);
        Assert.Null(members.TextOrNull(1));
        Assert.True(members.Next());
        Assert.Equal(ImmutableSortedDictionary<string, string>.Empty.Add("k", "v"), members.TextMap(1, 1));
        Assert.True(members.Next());
        Assert.Equal(["x", "y"], members.Items(2, static (ref item) => item.Text(1)));
        Assert.False(members.Next());
    }

    [Theory]
    [InlineData("", "malformed JSON at line 1, column 1")]
    [InlineData("null", "a JSON object is expected, not null")]
    [InlineData("\"x\"", "a JSON object is expected, not a string")]
    [InlineData("{\"a\":\"x\"", "malformed JSON at line 1, column 9")]
    [InlineData("{\"a\":\"x\",}", "malformed JSON at line 1, column 10")]
    [InlineData("{\"a\":\"x\"}{}", "malformed JSON at line 1, column 10")]
    [InlineData("{\n\n  'a':1}", "malformed JSON at line 3, column 3")]
    [InlineData("{\"a\":\"\\ud800\"}", "a string is not valid Unicode")]
    [InlineData("{\"\\ud800\":1}", "a string is not valid Unicode")]
    [InlineData("{\"a\":\"xyzzy\"}", "member 'a' is longer than 4 characters")]
    [InlineData("{\"a\":1}", "member 'a' must be a string, not a number")]
    [InlineData("{\"a\":{}}", "member 'a' must be a string, not an object")]
    [InlineData("{\"a\":\"x\",\"a\":\"y\"}", "member 'a' is given twice")]
    [InlineData("\ufeff{\"a\":\"x\"}", "malformed JSON at line 1, column 1")]
    public void Text_SaysWhatIsWrong(string json, string message) => Assert.Equal(message, Fault(() =>
    {
        StrictObject members = new(Encoding.UTF8.GetBytes(json));
        while (members.Next())
        {
            members.Text(4);
        }
    }));

    [Theory]
    [InlineData("6")]
    [InlineData("-1")]
    [InlineData("1.0")]
    [InlineData("1e0")]
    [InlineData("99999999999999999999")]
    public void Number_HasToBeWholeAndInRange(string number) =>
        Assert.Equal("member 'n' must be a whole number from 0 to 5", Fault(() => First($$"""{"n":{{number}}}""").Number(0, 5)));

    [Theory]
    [InlineData("\"true\"", "a string")]
    [InlineData("1", "a number")]
    [InlineData("null", "null")]
    [InlineData("[]", "an array")]
    public void Flag_HasToBeOne(string value, string kind) =>
        Assert.Equal($"member 'f' must be true or false, not {kind}", Fault(() => First($$"""{"f":{{value}}}""").Flag()));

    [Theory]
    [InlineData("AAAA", 3)]
    [InlineData("AAA=", 2)]
    [InlineData("", 0)]
    [InlineData("AA\\/+", 3)]
    [InlineData("\\u0041A==", 1)]
    public void Base64_IsDecoded(string text, int length) => Assert.Equal(length, First($$"""{"b":"{{text}}"}""").Base64(new byte[3]));

    [Theory]
    [InlineData("AAA")]
    [InlineData("A===")]
    [InlineData("AA-_")]
    [InlineData("AAAA=")]
    [InlineData("\\uD800AAA")]
    [InlineData("A\\/A")]
    public void Base64_ThatIsNone_IsRefused(string text) =>
        Assert.Equal("member 'b' is not base64", Fault(() => First($$"""{"b":"{{text}}"}""").Base64(new byte[16])));

    [Fact]
    public void Base64_ThatIsTooLong_IsRefused() =>
        Assert.Equal("member 'b' is longer than 2 bytes", Fault(() => First("""{"b":"AAAA"}""").Base64(new byte[2])));

    [Fact]
    public void TextBytes_AreUnescaped()
    {
        byte[] buffer = new byte[16];

        int length = First("""{"s":"k\u00e9y"}""").TextBytes(buffer);

        Assert.Equal("kéy"u8, buffer.AsSpan(0, length));
        Assert.Equal("member 's' is longer than 2 bytes", Fault(() => First("""{"s":"abc"}""").TextBytes(new byte[2])));
        Assert.Equal("member 's' is not valid Unicode", Fault(() => First("""{"s":"\udc00"}""").TextBytes(new byte[16])));
    }

    [Fact]
    public void TextMap_IsBoundedAndNamesItsMembers()
    {
        Assert.Equal("member 'm' has more than 1 entries", Fault(() => First("""{"m":{"a":"1","b":"2"}}""").TextMap(1, 9)));
        Assert.Equal("member 'm.a' is longer than 1 characters", Fault(() => First("""{"m":{"a":"12"}}""").TextMap(1, 1)));
        Assert.Equal("member 'm' must be an object of strings, not null", Fault(() => First("""{"m":null}""").TextMap(1, 1)));
    }

    [Fact]
    public void Members_AreBounded()
    {
        string many = $"{{{string.Join(',', Enumerable.Range(0, StrictObject.MaxMembers + 1).Select(static i => $"\"{i}\":0"))}}}";

        Assert.Equal("more than 64 members", Fault(() => SkipAll(many)));
    }

    [Fact]
    public void Depth_IsBounded()
    {
        SkipAll($$"""{"a":{{new string('[', 7)}}{{new string(']', 7)}}}""");

        Assert.StartsWith("malformed JSON", Fault(() => SkipAll($$"""{"a":{{new string('[', 8)}}{{new string(']', 8)}}}""")));
    }

    [Fact]
    public void LongName_IsCutBetweenCharacters()
    {
        string name = new string('n', 63) + "🔑 and more";

        Assert.Equal($"member '{new string('n', 63)}…' is unknown", Fault(() => throw First($$"""{"{{name}}":1}""").Unknown()));
    }

    [Fact]
    public void Reader_ThatFailsInsideAValue_IsAMalformedRequest() => Assert.Equal(
        "malformed JSON at line 1, column 8",
        Fault(() => First("""{"a":[1x]}""").Read(static (ref reader, out fault) =>
        {
            fault = null;
            while (reader.Read())
            {
                // To the end, which does not come.
            }

            return 0;
        })));

    private static StrictObject First(string json)
    {
        StrictObject members = new(Encoding.UTF8.GetBytes(json));
        Assert.True(members.Next());
        return members;
    }

    private static void SkipAll(string json)
    {
        StrictObject members = new(Encoding.UTF8.GetBytes(json));
        while (members.Next())
        {
            members.Skip();
        }
    }

    private static string Fault(Action read)
    {
        KmsException fault = Assert.Throws<KmsException>(read);
        Assert.Equal(KmsError.MalformedRequest, fault.Error);
        return fault.Message;
    }
}
