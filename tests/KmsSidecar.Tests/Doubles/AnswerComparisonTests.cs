using System.Text.Json;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>The comparison that the double is held to can find something.</summary>
public sealed class AnswerComparisonTests
{
    [Theory]
    [InlineData("""{"a":1}""", """{"a":1,"b":null}""", ".b: not recorded")]
    [InlineData("""{"a":1,"b":null}""", """{"a":1}""", ".b: missing")]
    [InlineData("""{"a":[1,2]}""", """{"a":[1]}""", ".a: 1 items instead of 2")]
    [InlineData("""{"a":[{"b":true}]}""", """{"a":[{"b":false}]}""", ".a[0].b: false instead of true")]
    [InlineData("""{"a":null}""", """{"a":{}}""", ".a: {} instead of null")]
    [InlineData("""{"errors":["no data provided"]}""", """{"errors":["no data"]}""", ".errors[0]: \"no data\" instead of \"no data provided\"")]
    [InlineData("""{"version":2}""", """{"version":3}""", ".version: 3 instead of 2")]
    [InlineData("""{"keys":{"1":1795462848}}""", """{"keys":{"1":1795462858}}""", ".keys.1: 2026-11-23T19:40:58.0000000+00:00 instead of 2026-11-23T19:40:48.0000000+00:00")]
    [InlineData("""{"created_time":"2026-11-23T19:40:49.1Z"}""", """{"created_time":"2026-11-23 19:40:49"}""", ".created_time: 2026-11-23 19:40:49 is no time")]
    [InlineData("""{"accessor":"kv_d2e36eed"}""", """{"accessor":"transit_d2e36eed"}""", ".accessor: \"transit_d2e36eed\" is not of the form of \"kv_d2e36eed\"")]
    [InlineData("""{"ciphertext":"vault:v1:AAAA"}""", """{"ciphertext":"vault:v2:AAAA"}""", ".ciphertext: \"vault:v2:AAAA\" is not of the form of \"vault:v1:AAAA\"")]
    [InlineData("""{"ciphertext":"vault:v1:AAAA"}""", """{"ciphertext":"vault:v1:AAAAAAAA"}""", ".ciphertext: \"vault:v1:AAAAAAAA\" is not of the form of \"vault:v1:AAAA\"")]
    [InlineData("""{"plaintext":"AAAA"}""", """{"plaintext":"BBBB"}""", ".plaintext: \"BBBB\" instead of \"AAAA\"")]
    public void Difference_IsFound(string recorded, string own, string expected)
    {
        Assert.Equal([expected], new AnswerComparison(new ReplayBook()).Compare(JsonElement.Parse(recorded), JsonElement.Parse(own)));
    }

    [Theory]
    [InlineData("vault:v1:AAAA", "vault:v1:BBBB", "vault:v1:AAAA", "vault:v1:CCCC")]
    [InlineData("vault:v1:AAAA", "vault:v1:CCCC", "vault:v1:BBBB", "vault:v1:CCCC")]
    public void MadeUpValue_StandsForOneOther(string firstRecorded, string firstOwn, string secondRecorded, string secondOwn)
    {
        AnswerComparison comparison = new(new ReplayBook());

        Assert.Empty(comparison.Compare(Wrap(firstRecorded), Wrap(firstOwn)));
        Assert.Contains("already stands for another", Assert.Single(comparison.Compare(Wrap(secondRecorded), Wrap(secondOwn))), StringComparison.Ordinal);

        static JsonElement Wrap(string ciphertext) => JsonElement.Parse($$"""{"ciphertext":"{{ciphertext}}"}""");
    }

    [Fact]
    public void TamperedCiphertext_IsTamperedAlike()
    {
        ReplayBook book = new();
        book.TryPair("vault:v1:AAAABBBBCCCCDDDD", "vault:v1:EEEEFFFFGGGGHHHH");

        Assert.Equal("vault:v9:EEEEFFFFGGGGHHHH", book.Translate("vault:v9:AAAABBBBCCCCDDDD"));
        Assert.Equal("vault:v1:EEEEFFFFGGGG", book.Translate("vault:v1:AAAABBBBCCCC"));
        Assert.Equal("vault:v1:***", book.Translate("vault:v1:***"));
    }
}
