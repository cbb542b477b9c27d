using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Api;

/// <summary>Many envelopes in one request, as a multipart object has them.</summary>
public sealed class DecryptManyTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task SixtyFourKeysOfOneRequest_OpenInOneRequest_InTheirOrder()
    {
        JsonElement[] made =
        [
            .. (await _host.Data.PostAsync("/v1/generate-data-key", """{"count":64,"encryption_context":{"bucket":"b"}}""")).Expect(200)
                .Json.GetProperty("data_keys").EnumerateArray(),
        ];
        string items = string.Join(
            ',', made.Select(static key => $$$"""{"ciphertext_blob":"{{{key.GetProperty("ciphertext_blob")}}}","encryption_context":{"bucket":"b"}}"""));

        JsonElement[] opened = await DecryptAsync($$"""{"items":[{{items}}]}""");

        Assert.Equal(64, made.Select(static key => key.GetProperty("plaintext_key").GetString()).Distinct().Count());
        Assert.Equal(
            made.Select(static key => key.GetProperty("plaintext_key").GetString()), opened.Select(static key => key.GetProperty("plaintext_key").GetString()));
        Assert.All(opened, static key => Assert.Equal(["key_id", "key_version", "plaintext_key"], key.EnumerateObject().Select(static member => member.Name)));
    }

    [Fact]
    public async Task OneBadItem_FailsAlone_AndInItsPlace()
    {
        Answer made = (await _host.Data.PostAsync("/v1/generate-data-key", "{}")).Expect(200);
        string good = $$"""{"ciphertext_blob":"{{made["ciphertext_blob"]}}"}""";

        JsonElement[] items = await DecryptAsync($$$"""
            {"items":[{{{good}}},{"ciphertext_blob":"!"},{"ciphertext_blob":"AAAA"},{},
            {"ciphertext_blob":"{{{made["ciphertext_blob"]}}}","encryption_context":{"a":"b"}},{{{good}}}]}
            """);

        Assert.Equal(
            ["", "MalformedRequest", "InvalidCiphertext", "MalformedRequest", "InvalidCiphertext", ""],
            items.Select(static item => item.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : ""));
        Assert.Equal("member 'items[1].ciphertext_blob' is not base64", items[1].GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(made["plaintext_key"], items[0].GetProperty("plaintext_key").GetString());
        Assert.Equal(made["plaintext_key"], items[5].GetProperty("plaintext_key").GetString());
    }

    [Theory]
    [InlineData("""{"items":[]}""")]
    [InlineData("""{"items":[{"ciphertext_blob":"AAAA"}],"ciphertext_blob":"AAAA"}""")]
    [InlineData("""{"items":[{"ciphertext_blob":"AAAA"}],"encryption_context":{}}""")]
    [InlineData("""{"items":[{"ciphertext_blob":"AAAA"}],"key_id":"master"}""")]
    [InlineData("""{"items":[{"ciphertext_blob":"AAAA","key_id":"master"}]}""")]
    [InlineData("""{"items":{}}""")]
    [InlineData("{}")]
    public async Task OtherShapes_AreRefusedAsAWhole(string body) =>
        Assert.Equal("MalformedRequest", (await _host.Data.PostAsync("/v1/decrypt", body)).Expect(400)["code"]);

    private async Task<JsonElement[]> DecryptAsync(string body) =>
        [.. (await _host.Data.PostAsync("/v1/decrypt", body)).Expect(200).Json.GetProperty("items").EnumerateArray()];
}
