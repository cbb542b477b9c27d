using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Creating, describing and listing keys, in both dialects.</summary>
public sealed class KeyRoutesTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Theory]
    [InlineData("""{"key_name":"by-key-name"}""", "by-key-name")]
    [InlineData("""{"KeyName":"by-KeyName","Description":"ignored-as-id"}""", "by-KeyName")]
    [InlineData("""{"tags":{"name":"by-tag"},"description":"ignored-as-id"}""", "by-tag")]
    [InlineData("""{"key_name":"by-both","tags":{"name":"by-both"}}""", "by-both")]
    [InlineData("""{"KeyUsage":"ENCRYPT_DECRYPT","Description":"rotation-2024-09"}""", "rotation-2024-09")]
    [InlineData("""{"key_usage":"EncryptDecrypt","description":"by.description_1"}""", "by.description_1")]
    [InlineData("""{"key_name":null,"tags":null,"key_usage":null,"description":"nulls-say-nothing"}""", "nulls-say-nothing")]
    public async Task Create_TakesTheIdFromNameThenDescription(string body, string id)
    {
        Answer created = (await _host.Tcp.PostAsync($"{Kms}/keys", body)).Expect(200);

        Assert.Equal(id, created["key_id"]);
        JsonElement metadata = created.Json.GetProperty("key_metadata");
        Assert.Equal(id, metadata.GetProperty("key_id").GetString());
        Assert.Equal(id, metadata.GetProperty("tags").GetProperty("name").GetString());
        Assert.Equal("Enabled", metadata.GetProperty("key_state").GetString());
        Assert.Equal(id, (await _host.Tcp.GetAsync($"{Kms}/keys/{id}")).Expect(200).Json.GetProperty("key_metadata").GetProperty("key_id").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"description":"two words"}""")]
    [InlineData("""{"description":".dot"}""")]
    [InlineData("""{"description":"master"}""")]
    [InlineData("""{"description":""}""")]
    public async Task Create_WithoutAUsableName_MakesOne(string body)
    {
        Answer created = (await _host.Tcp.PostAsync($"{Kms}/keys", body)).Expect(200);

        Assert.True(Guid.TryParseExact(created["key_id"], "D", out _));
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("")]
    [InlineData("naïve")]
    [InlineData("a b")]
    public async Task Create_WithAnIllegalName_Is400(string name)
    {
        foreach (string body in new[] { $$"""{"key_name":"{{name}}"}""", $$$"""{"tags":{"name":"{{{name}}}"}}""" })
        {
            (await _host.Tcp.PostAsync($"{Kms}/keys", body)).ExpectFailure(
                400, "InvalidKeyId", "the key id is not legal: 1 to 128 of A-Z a-z 0-9 . _ - and not a dot first");
        }
    }

    [Fact]
    public async Task Create_TakesNamesUpTo128Characters()
    {
        string longest = new('k', 128);
        Assert.Equal(longest, (await _host.Tcp.PostAsync($"{Kms}/keys", $$"""{"key_name":"{{longest}}"}""")).Expect(200)["key_id"]);
        (await _host.Tcp.PostAsync($"{Kms}/keys", $$"""{"key_name":"{{longest}}k"}""")).Expect(400);
    }

    [Fact]
    public async Task Create_OfATakenName_Is409WithUpstreamsMembers()
    {
        Answer refused = await _host.Tcp.PostAsync($"{Kms}/keys", """{"key_name":"master"}""");

        refused.ExpectFailure(409, "KeyExists", "a key with this id already exists");
        Assert.Equal("", refused["key_id"]);
        Assert.Equal(JsonValueKind.Null, refused.Json.GetProperty("key_metadata").ValueKind);
    }

    [Fact]
    public async Task Create_OfASigningKey_Is501() => (await _host.Tcp.PostAsync($"{Kms}/keys", """{"KeyUsage":"SIGN_VERIFY"}""")).ExpectFailure(
        501, "Unsupported", "keys here encrypt and decrypt; there are none that sign");

    [Theory]
    [InlineData("create-key")]
    [InlineData("key/create")]
    public async Task LegacyCreate_AnswersWithoutWrapper(string route)
    {
        string name = $"legacy-{route.Replace('/', '-')}";

        Answer created = (await _host.Tcp.PostAsync($"{Kms}/{route}?key-id=ignored", $$"""{"key_name":"{{name}}"}""")).Expect(200);

        Assert.Equal(["key_id", "key_metadata"], created.Json.EnumerateObject().Select(static member => member.Name));
        Assert.Equal(name, created["key_id"]);
    }

    [Theory]
    [InlineData("describe-key?keyId=master")]
    [InlineData("describe-key?key-id=master")]
    [InlineData("key/status?key=master")]
    [InlineData("key/status?key=nope&keyId=master")]
    [InlineData("key/status?key-id=master&keyId=")]
    public async Task LegacyDescribe_TakesThreeSpellings(string target)
    {
        Answer described = (await _host.Admin.GetAsync($"{Kms}/{target}")).Expect(200);

        Assert.Equal("master", described.Json.GetProperty("key_metadata").GetProperty("key_id").GetString());
    }

    [Fact]
    public async Task LegacyDescribe_WithoutAKey_Is400() => (await _host.Admin.GetAsync($"{Kms}/describe-key")).ExpectFailure(
        400, "MalformedRequest", "missing required parameter: 'keyId'");

    [Theory]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("")]
    [InlineData("1.5")]
    [InlineData("%201")]
    [InlineData("18446744073709551616")]
    public async Task List_WithABadLimit_Is400(string limit)
    {
        Answer refused = await _host.Admin.GetAsync($"{Kms}/keys?limit={limit}");

        refused.ExpectFailure(400, "MalformedRequest", "invalid limit: expected a non-negative integer");
        Assert.Empty(refused.Json.GetProperty("keys").EnumerateArray());
        Assert.False(refused.Json.GetProperty("truncated").GetBoolean());
    }

    [Theory]
    [InlineData("keys")]
    [InlineData("list-keys")]
    public async Task List_PagesThroughEveryKeyOnceInOrder(string route)
    {
        foreach (string name in new[] { $"page-a-{route}", $"page-B-{route}", $"page-c-{route}" })
        {
            await _host.Admin.PostAsync($"{Kms}/keys", $$"""{"key_name":"{{name}}"}""");
        }

        string[] all = Ids((await _host.Admin.GetAsync($"{Kms}/{route}?limit=5000")).Expect(200).Json);
        List<string> paged = [];
        string? marker = "";
        while (marker is not null)
        {
            JsonElement page = (await _host.Admin.GetAsync($"{Kms}/{route}?limit=2&marker={marker}")).Expect(200).Json;
            Assert.InRange(Ids(page).Length, 1, 2);
            paged.AddRange(Ids(page));
            marker = page.GetProperty("next_marker").GetString();
            Assert.Equal(marker is not null, page.GetProperty("truncated").GetBoolean());
        }

        Assert.Equal(all.Order(StringComparer.Ordinal), all);
        Assert.Equal(all, paged);
        Assert.Contains($"page-a-{route}", all);
    }

    [Fact]
    public async Task List_BeginsAfterTheMarker()
    {
        JsonElement page = (await _host.Admin.GetAsync($"{Kms}/keys?marker=master")).Expect(200).Json;

        Assert.All(Ids(page), static id => Assert.True(string.CompareOrdinal(id, "master") > 0, id));
        Assert.Empty(Ids((await _host.Admin.GetAsync($"{Kms}/keys?marker=zzzz")).Expect(200).Json));
    }

    [Fact]
    public async Task List_OfNone_IsNotTruncated()
    {
        JsonElement page = (await _host.Admin.GetAsync($"{Kms}/keys?limit=0")).Expect(200).Json;

        Assert.Empty(Ids(page));
        Assert.False(page.GetProperty("truncated").GetBoolean());
        Assert.Null(page.GetProperty("next_marker").GetString());
    }

    private static string[] Ids(JsonElement page) =>
        [.. page.GetProperty("keys").EnumerateArray().Select(static key => key.GetProperty("key_id").GetString()!)];
}
