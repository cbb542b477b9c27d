using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>The listings of the AWS KMS API, whole and page by page.</summary>
public sealed class AwsListsTests : IAsyncLifetime
{
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await StartRunningAsync();
        foreach (string id in (string[])["a.1", "b_2", "c-3"])
        {
            (await _host.Admin.PostAsync($"{Kms}/keys", $$$"""{"key_name":"{{{id}}}","tags":{"t1":"x","t2":"y"}}""")).Expect(200);
        }
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public async Task Keys_AreAllListed(int limit) =>
        Assert.Equal(["a.1", "b_2", "c-3", "master"], await AllAsync("ListKeys", $$"""{"Limit":{{limit}}""", "Keys", "KeyId"));

    [Fact]
    public async Task Key_HasItsArn()
    {
        Answer page = (await _host.Data.AwsAsync("ListKeys", "")).Expect(200);
        Assert.Equal("arn:aws:kms:us-east-1:000000000000:key/a.1", page.Json.GetProperty("Keys")[0].GetProperty("KeyArn").GetString());
        Assert.False(page.Json.GetProperty("Truncated").GetBoolean());
        Assert.False(page.Json.TryGetProperty("NextMarker", out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public async Task Aliases_AreThoseOfTheKeysAndOfTheDefault(int limit)
    {
        string[] names = ["alias/default", "alias/a.1", "alias/b_2", "alias/c-3", "alias/master"];
        Assert.Equal(names, await AllAsync("ListAliases", $$"""{"Limit":{{limit}}""", "Aliases", "AliasName"));
        Assert.Equal(
            ["master", "a.1", "b_2", "c-3", "master"], await AllAsync("ListAliases", $$"""{"Limit":{{limit}}""", "Aliases", "TargetKeyId"));
    }

    [Theory]
    [InlineData("master", "alias/default alias/master")]
    [InlineData("alias/default", "alias/default alias/master")]
    [InlineData("b_2", "alias/b_2")]
    public async Task Aliases_OfOneKey(string key, string names)
    {
        Assert.Equal(names.Split(' '), await AllAsync("ListAliases", $$"""{"KeyId":"{{key}}","Limit":1""", "Aliases", "AliasName"));
        (await _host.Tcp.AwsAsync("ListAliases", """{"KeyId":"nope"}""")).ExpectAws(400, "NotFoundException");
    }

    [Fact]
    public async Task KeyCalledDefault_HasItsAliasForItself()
    {
        (await _host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"default"}""")).Expect(200);
        string[] names = ["alias/a.1", "alias/b_2", "alias/c-3", "alias/default", "alias/master"];
        Assert.Equal(names, await AllAsync("ListAliases", """{"Limit":2""", "Aliases", "AliasName"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Tags_AreAllListed(int limit) =>
        Assert.Equal(["name", "t1", "t2"], await AllAsync("ListResourceTags", $$"""{"KeyId":"b_2","Limit":{{limit}}""", "Tags", "TagKey"));

    [Theory]
    [InlineData("ListKeys", """{"Limit":0}""", "ValidationException")]
    [InlineData("ListKeys", """{"Limit":1001}""", "ValidationException")]
    [InlineData("ListKeys", """{"Marker":""}""", "InvalidMarkerException")]
    [InlineData("ListAliases", """{"Marker":"b_2"}""", "InvalidMarkerException")]
    [InlineData("ListResourceTags", """{"KeyId":"b_2","Marker":"nope"}""", "InvalidMarkerException")]
    [InlineData("ListKeyRotations", """{"KeyId":"b_2","Marker":"9"}""", "InvalidMarkerException")]
    public async Task BadPage_HasItsCode(string operation, string body, string code) => (await _host.Tcp.AwsAsync(operation, body)).ExpectAws(400, code);

    /// <param name="body">Without its closing brace.</param>
    private async Task<List<string>> AllAsync(string operation, string body, string list, string member)
    {
        List<string> all = [];
        string marker = "";
        for (int pages = 0; pages < 20; pages++)
        {
            JsonElement page = (await _host.Tcp.AwsAsync(operation, $"{body}{marker}}}")).Expect(200).Json;
            all.AddRange(page.GetProperty(list).EnumerateArray().Select(item => item.GetProperty(member).GetString()!));
            Assert.Equal(page.GetProperty("Truncated").GetBoolean(), page.TryGetProperty("NextMarker", out JsonElement next));
            if (next.ValueKind == JsonValueKind.Undefined)
            {
                return all;
            }

            marker = $",\"Marker\":{next.GetRawText()}";
        }

        throw new InvalidOperationException("the pages do not end");
    }
}
