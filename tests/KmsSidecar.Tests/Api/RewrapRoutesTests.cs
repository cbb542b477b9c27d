using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Wrapping anew: to the newest version, to another key, out of a former backend, one or many.</summary>
public sealed class RewrapRoutesTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task RotatedKey_GetsItsOldEnvelopesToTheNewestVersion()
    {
        await CreateAsync("turned");
        (string plain, string old) = await GenerateAsync("turned");
        (await _host.Admin.PostAsync($"{Kms}/keys/rotate", """{"key_id":"turned"}""")).Expect(200);

        JsonElement single = (await _host.Data.PostAsync("/v1/rewrap", $$"""{"ciphertext_blob":"{{old}}"}""")).Expect(200).Json;
        JsonElement many = Assert.Single(await RewrapAsync($$"""{"items":[{"ciphertext_blob":"{{old}}","encryption_context":null}]}"""));

        Assert.Equal(plain, await OpenAsync(old, "turned", 1));
        foreach (JsonElement rewrapped in (JsonElement[])[single, many])
        {
            Assert.Equal(["key_id", "key_version", "ciphertext_blob"], rewrapped.EnumerateObject().Select(static member => member.Name));
            Assert.Equal(plain, await OpenAsync(rewrapped.GetProperty("ciphertext_blob").GetString()!, "turned", 2));
        }
    }

    [Fact]
    public async Task OneBadItem_FailsAlone_AndTheOrderStays()
    {
        await CreateAsync("asleep");
        (string first, string one) = await GenerateAsync("master");
        (_, string disabled) = await GenerateAsync("asleep");
        (string last, string two) = await GenerateAsync("master");
        await _host.Admin.PostAsync($"{Kms}/keys/disable", """{"key_id":"asleep"}""");

        JsonElement[] items = await RewrapAsync(
            $$"""{"items":[{"ciphertext_blob":"{{one}}"},{"ciphertext_blob":"!"},{"ciphertext_blob":"AAAA"},{},"""
            + $$$"""{"ciphertext_blob":"{{{one}}}","encryption_context":{"a":"b"}},"""
            + $$"""{"ciphertext_blob":"{{disabled}}"},{"ciphertext_blob":"{{two}}"}]}""");

        Assert.Equal(
            ["", "MalformedRequest", "InvalidCiphertext", "MalformedRequest", "InvalidCiphertext", "KeyDisabled", ""],
            items.Select(static item => item.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : ""));
        Assert.Equal("member 'items[1].ciphertext_blob' is not base64", items[1].GetProperty("error").GetProperty("message").GetString());
        Assert.Equal("the ciphertext cannot be opened", items[2].GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(first, await OpenAsync(items[0].GetProperty("ciphertext_blob").GetString()!, "master", 1));
        Assert.Equal(last, await OpenAsync(items[6].GetProperty("ciphertext_blob").GetString()!, "master", 1));
    }

    [Fact]
    public async Task SixtyFourItems_GoUnderAnotherKey()
    {
        await CreateAsync("target");
        (string plain, string blob) = await GenerateAsync("master");
        string item = $$"""{"ciphertext_blob":"{{blob}}"}""";

        JsonElement[] items = await RewrapAsync($$"""{"items":[{{string.Join(',', Enumerable.Repeat(item, 64))}}],"key_id":"alias/target"}""");

        Assert.Equal(64, items.Length);
        Assert.Distinct(items.Select(static rewrapped => rewrapped.GetProperty("ciphertext_blob").GetString()));
        Assert.All(items, static rewrapped => Assert.Equal("alias/target", rewrapped.GetProperty("key_id").GetString()));
        Assert.Equal(plain, await OpenAsync(items[63].GetProperty("ciphertext_blob").GetString()!, "target", 1));
        (await _host.Data.PostAsync("/v1/rewrap", $$"""{"items":[{{string.Join(',', Enumerable.Repeat(item, 65))}}]}""")).ExpectFailure(
            400, "MalformedRequest", "member 'items' has more than 64 items");
    }

    [Theory]
    [InlineData("", 400, "one of the members 'ciphertext_blob' and 'items' is needed")]
    [InlineData("{}", 400, "one of the members 'ciphertext_blob' and 'items' is needed")]
    [InlineData("""{"ciphertext_blob":"AAAA","items":[{"ciphertext_blob":"AAAA"}]}""", 400, "one of the members 'ciphertext_blob' and 'items' is needed")]
    [InlineData("""{"items":[]}""", 400, "member 'items' must have 1 to 64 items")]
    [InlineData("""{"items":{}}""", 400, "member 'items' must be an array, not an object")]
    [InlineData("""{"items":["AAAA"]}""", 400, "member 'items[0]' must be an object, not a string")]
    [InlineData("""{"items":[{"ciphertext_blob":"AAAA","key_id":"a"}]}""", 400, "member 'items[0].key_id' is unknown")]
    [InlineData("""{"items":[{"ciphertext_blob":"A","ciphertext_blob":"A"}]}""", 400, "member 'items[0].ciphertext_blob' is given twice")]
    [InlineData("""{"items":[{}],"encryption_context":{}}""", 400, "member 'encryption_context' belongs in each of the items")]
    [InlineData("""{"items":[{"encryption_context":[]}]}""", 400, "member 'items[0].encryption_context' must be an object of strings")]
    [InlineData("""{"items":[{}],"key_id":"nope"}""", 404, "key not found")]
    public async Task RequestThatCannotWork_FailsAsAWhole(string body, int status, string message) =>
        (await _host.Data.PostAsync("/v1/rewrap", body)).ExpectFailure(status, status == 404 ? "KeyNotFound" : "MalformedRequest", message);

    [Fact]
    public async Task FormerBackend_IsEmptiedIntoTheActiveOne()
    {
        await using TestHost host = await StartRunningAsync();
        (await host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"kept"}""")).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"left-behind"}""")).Expect(200);
        string[] blobs = [(await BlobAsync(host, "kept")), (await BlobAsync(host, "left-behind"))];
        (await host.Admin.PostAsync($"{Kms}/reconfigure", $$"""{"key_dir":"{{host.Directory.PathOf("new")}}","default_key_id":"fresh"}""")).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"kept"}""")).Expect(200);

        string body = $$"""{"items":[{"ciphertext_blob":"{{blobs[0]}}"},{"ciphertext_blob":"{{blobs[1]}}"}]}""";
        JsonElement items = (await host.Data.PostAsync("/v1/rewrap", body)).Expect(200).Json.GetProperty("items");

        Assert.Equal(["kept", "fresh"], items.EnumerateArray().Select(static item => item.GetProperty("key_id").GetString()));
        Directory.Move(host.Directory.PathOf("keys"), host.Directory.PathOf("gone"));
        foreach (JsonElement item in items.EnumerateArray())
        {
            string blob = item.GetProperty("ciphertext_blob").GetString()!;
            Answer opened = (await host.Data.PostAsync("/v1/decrypt", $$"""{"ciphertext_blob":"{{blob}}"}""")).Expect(200);
            Assert.Equal(item.GetProperty("key_id").GetString(), opened["key_id"]);
        }
    }

    private static async Task<string> BlobAsync(TestHost host, string key) =>
        (await host.Data.PostAsync("/v1/generate-data-key", $$"""{"key_id":"{{key}}"}""")).Expect(200)["ciphertext_blob"]!;

    private async Task CreateAsync(string id) => (await _host.Admin.PostAsync($"{Kms}/keys", $$"""{"key_name":"{{id}}"}""")).Expect(200);

    private async Task<(string Plain, string Blob)> GenerateAsync(string id)
    {
        Answer made = (await _host.Data.PostAsync("/v1/generate-data-key", $$"""{"key_id":"{{id}}"}""")).Expect(200);
        return (made["plaintext_key"]!, made["ciphertext_blob"]!);
    }

    private async Task<JsonElement[]> RewrapAsync(string body) =>
        [.. (await _host.Data.PostAsync("/v1/rewrap", body)).Expect(200).Json.GetProperty("items").EnumerateArray()];

    private async Task<string> OpenAsync(string blob, string key, int version)
    {
        Answer opened = (await _host.Data.PostAsync("/v1/decrypt", $$"""{"ciphertext_blob":"{{blob}}"}""")).Expect(200);
        Assert.Equal((key, version), (opened["key_id"], opened.Json.GetProperty("key_version").GetInt32()));
        return opened["plaintext_key"]!;
    }
}
