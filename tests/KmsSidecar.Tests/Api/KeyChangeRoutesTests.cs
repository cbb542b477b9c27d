using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Enable, disable, rotate, describe, tag, delete and what is refused of them.</summary>
public sealed class KeyChangeRoutesTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task ALife_HasUpstreamsMessagesAndStates()
    {
        await CreateAsync("life");
        await ExpectAsync("disable", "life", "key disabled successfully", "Disabled");
        await ExpectAsync("disable", "life", "key disabled successfully", "Disabled");
        await DeleteAsync("life");
        await ExpectAsync("cancel-deletion", "life", "key deletion cancelled successfully", "Disabled");
        await ExpectAsync("enable", "life", "key enabled successfully", "Enabled");
        await DeleteAsync("life");
        await ExpectAsync("cancel-deletion", "life", "key deletion cancelled successfully", "Enabled");
        await ExpectAsync("rotate", "life", "key rotated successfully", "Enabled");

        Assert.Equal(2, (await _host.Data.GetAsync("/v1/keys/life")).Expect(200).Json.GetProperty("key_version").GetInt32());
        JsonElement info = await InfoAsync("life");
        Assert.Equal(2, info.GetProperty("version").GetInt32());
        Assert.NotNull(info.GetProperty("rotated_at").GetString());
        Assert.False(info.GetProperty("rotation_due").GetBoolean());
        Assert.False(info.TryGetProperty("rotation_due_reason", out _));
    }

    [Fact]
    public async Task Metadata_IsReplacedAndTakenAway()
    {
        await CreateAsync("meta");
        JsonElement key = await ChangeAsync("update-description", """{"key_id":"meta","description":"new"}""", "key description updated");
        Assert.Equal("new", key.GetProperty("description").GetString());
        key = await ChangeAsync("update-description", """{"description":"","key_id":"meta"}""", "key description updated");
        Assert.Null(key.GetProperty("description").GetString());

        key = await ChangeAsync("tag", """{"key_id":"alias/meta","tags":{"env":"prod","team":"a"}}""", "key tags updated");
        Assert.Equal("""{"env":"prod","name":"meta","team":"a"}""", key.GetProperty("tags").GetRawText());
        key = await ChangeAsync("untag", """{"key_id":"meta","tag_keys":["env","absent"]}""", "key tags removed");
        Assert.Equal("""{"name":"meta","team":"a"}""", key.GetProperty("tags").GetRawText());
    }

    [Theory]
    [InlineData("master", """[{"kind":"service-default-key","id":"master","detail":"the default key of the configuration in effect"}]""")]
    [InlineData("impact", "[]")]
    public async Task Impact_SaysWhatWasLookedAt(string id, string references)
    {
        await CreateAsync("impact");
        Answer described = (await _host.Admin.GetAsync($"{Kms}/keys/{id}?impact=true")).Expect(200);

        Assert.Equal(
            $$"""{"key_id":"{{id}}","completeness":"observed-only","coverage":{"scanned":["service-default-key"],"""
            + $$""" "not_scanned":["bucket-default-encryption","object-envelopes","in-progress-multipart-uploads"]},"references":{{references}}}""".TrimStart(),
            described.Json.GetProperty("impact").GetRawText());
        Assert.Equal(JsonValueKind.Null, (await _host.Admin.GetAsync($"{Kms}/keys/{id}?impact=false")).Expect(200).Json.GetProperty("impact").ValueKind);
        (await _host.Admin.GetAsync($"{Kms}/keys/{id}?impact=True")).ExpectFailure(
            400, "MalformedRequest", "invalid value for 'impact': expected 'true' or 'false'");
    }

    /// <summary>A body makes parameters void, an empty one makes them count.</summary>
    [Theory]
    [InlineData("POST", "disable?keyId=query-key", "", 200)]
    [InlineData("POST", "disable?keyId=query-key", """{"key_id":"nope"}""", 404)]
    [InlineData("POST", "disable?keyId=nope", """{"key_id":"query-key"}""", 200)]
    [InlineData("POST", "disable?keyId=query-key", "{}", 400)]
    [InlineData("POST", "disable?key-id=query-key", "", 400)]
    [InlineData("POST", "disable?key=query-key", "", 400)]
    [InlineData("POST", "disable?keyId=", "", 404)]
    [InlineData("POST", "disable", "", 400)]
    [InlineData("POST", "tag?keyId=query-key", "", 400)]
    [InlineData("DELETE", "delete?keyId=nope&pending_window_in_days=7", "", 404)]
    [InlineData("DELETE", "delete?keyId=query-key&pending_window_in_days=6", "", 400)]
    [InlineData("DELETE", "delete?keyId=query-key&pending_window_in_days=31", "", 400)]
    [InlineData("DELETE", "delete?keyId=query-key&pending_window_in_days=soon", "", 400)]
    [InlineData("DELETE", "delete?keyId=query-key&force_immediate=true", "", 400)]
    [InlineData("DELETE", "delete?keyId=query-key&force_immediate=", "", 400)]
    [InlineData("DELETE", "delete?keyId=query-key&confirm_key_id=query-key", "", 400)]
    [InlineData("DELETE", "delete?keyId=query-key", "{}", 400)]
    public async Task BodyOrQuery(string method, string target, string body, int status)
    {
        await CreateAsync("query-key");
        (await _host.Tcp.SendAsync(method, $"{Kms}/keys/{target}", body)).Expect(status);
    }

    [Fact]
    public async Task DeletionByQuery_SchedulesAndMayRepeatThatItIsNotImmediate()
    {
        await CreateAsync("by-query");
        Answer deleted = (await _host.Tcp.SendAsync(
            "DELETE", $"{Kms}/keys/delete?keyId=by-query&pending_window_in_days=7&force_immediate=false")).Expect(200);
        Assert.NotNull(deleted["deletion_date"]);
    }

    [Theory]
    [InlineData("enable", """{"key_id":"master","x":1}""", "member 'x' is unknown")]
    [InlineData("enable", """{"key_id":"a","key_id":"b"}""", "member 'key_id' is given twice")]
    [InlineData("enable", """{"key_id":7}""", "member 'key_id' must be a string, not a number")]
    [InlineData("enable", """{"key_id":null}""", "member 'key_id' must be a string, not null")]
    [InlineData("enable", """{"KeyId":"master"}""", "member 'KeyId' is unknown")]
    [InlineData("rotate", "[]", "a JSON object is expected, not an array")]
    [InlineData("rotate", "{", "malformed JSON at line 1, column 2")]
    [InlineData("cancel-deletion", "{}", "member 'key_id' is missing")]
    [InlineData("update-description", "", "a request body is required")]
    [InlineData("update-description", """{"key_id":"master"}""", "member 'description' is missing")]
    [InlineData("update-description", """{"key_id":"master","description":null}""", "member 'description' must be a string, not null")]
    [InlineData("tag", """{"tags":{}}""", "member 'key_id' is missing")]
    [InlineData("tag", """{"key_id":"master","tags":{"a":1}}""", "member 'tags.a' must be a string, not a number")]
    [InlineData("tag", """{"key_id":"master","tags":{"name":"master"}}""", "tag 'name' identifies the key and cannot be updated or removed")]
    [InlineData("untag", """{"key_id":"master","tag_keys":"a"}""", "member 'tag_keys' must be an array, not a string")]
    [InlineData("untag", """{"key_id":"master","tag_keys":["name"]}""", "tag 'name' identifies the key and cannot be updated or removed")]
    public async Task Change_NamesWhatIsWrong(string route, string body, string message)
    {
        Answer refused = await _host.Tcp.PostAsync($"{Kms}/keys/{route}", body);

        refused.ExpectFailure(400, "MalformedRequest", message);
        Assert.Equal(JsonValueKind.Null, refused.Json.GetProperty("key_metadata").ValueKind);
        Assert.Equal(JsonValueKind.String, refused.Json.GetProperty("key_id").ValueKind);
    }

    [Theory]
    [InlineData("""{"key_id":"master","pending_window_in_days":6}""", 400, "MalformedRequest")]
    [InlineData("""{"key_id":"nope","pending_window_in_days":31}""", 400, "MalformedRequest")]
    [InlineData("""{"key_id":"master","pending_window_in_days":"7"}""", 400, "MalformedRequest")]
    [InlineData("""{"key_id":"master","pending_window_in_days":-1}""", 400, "MalformedRequest")]
    [InlineData("""{"key_id":"master","force_immediate":"true"}""", 400, "MalformedRequest")]
    [InlineData("""{"key_id":"master","force_immediate":true}""", 400, "ImmediateDeletionRefused")]
    [InlineData("""{"key_id":"master","force_immediate":true,"confirm_key_id":"master"}""", 400, "ImmediateDeletionRefused")]
    [InlineData("""{"key_id":"nope"}""", 404, "KeyNotFound")]
    [InlineData("""{"keyId":"master"}""", 400, "MalformedRequest")]
    public async Task Deletion_IsRefused_WithUpstreamsMembers(string body, int status, string code)
    {
        Answer refused = (await _host.Tcp.SendAsync("DELETE", $"{Kms}/keys/delete", body)).Expect(status);

        Assert.Equal(code, refused["code"]);
        Assert.Equal(
            ["success", "message", "code", "request_id", "key_id", "deletion_date", "impact"],
            refused.Json.EnumerateObject().Select(static member => member.Name));
        Assert.Null(refused["deletion_date"]);
    }

    [Fact]
    public async Task WrongStates_Are409()
    {
        await CreateAsync("states");
        await RefusedAsync("cancel-deletion", "states", "KeyNotPendingDeletion");
        await ExpectAsync("disable", "states", "key disabled successfully", "Disabled");
        await RefusedAsync("rotate", "states", "KeyDisabled");
        await DeleteAsync("states");
        await RefusedAsync("rotate", "states", "KeyPendingDeletion");
        await RefusedAsync("enable", "states", "KeyPendingDeletion");
        await RefusedAsync("disable", "states", "KeyPendingDeletion");
        Answer again = (await _host.Tcp.SendAsync("DELETE", $"{Kms}/keys/delete", """{"key_id":"states"}""")).Expect(409);
        Assert.Equal("KeyPendingDeletion", again["code"]);
        Assert.Equal("states", again.Json.GetProperty("impact").GetProperty("key_id").GetString());
        foreach (string route in (string[])["enable", "disable", "rotate", "cancel-deletion"])
        {
            (await _host.Tcp.PostAsync($"{Kms}/keys/{route}", """{"key_id":"nope"}""")).Expect(404);
        }
    }

    [Fact]
    public async Task BodyOfAMebibyte_IsTakenAsABody()
    {
        string padding = new(' ', (1024 * 1024) - """{"key_id":"master"}""".Length);
        (await _host.Tcp.PostAsync($"{Kms}/keys/enable", $$"""{"key_id":"master"}{{padding}}""")).Expect(200);
        (await _host.Tcp.PostAsync($"{Kms}/keys/enable", $$"""{"key_id":"master"} {{padding}}""")).Expect(413);
    }

    [Fact]
    public async Task ImmediateDeletion_WhereItIsAllowed()
    {
        await using TestHost host = await StartAsync(static options => options with { AllowImmediateDeletion = true });
        (await host.Admin.PostAsync($"{Kms}/configure", host.LocalConfiguration)).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/start")).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"gone"}""")).Expect(200);

        Answer refused = (await host.Admin.SendAsync(
            "DELETE", $"{Kms}/keys/delete", """{"key_id":"master","force_immediate":true,"confirm_key_id":"master"}""")).Expect(409);
        Assert.Equal("KeyStillReferenced", refused["code"]);
        Assert.Single(refused.Json.GetProperty("impact").GetProperty("references").EnumerateArray());

        Answer deleted = (await host.Admin.SendAsync(
            "DELETE", $"{Kms}/keys/delete", """{"key_id":"gone","pending_window_in_days":1,"force_immediate":true,"confirm_key_id":"gone"}""")).Expect(200);
        Assert.Null(deleted["deletion_date"]);
        (await host.Admin.GetAsync($"{Kms}/keys/gone")).Expect(404);
    }

    [Theory]
    [InlineData("status=Active", true, false, false)]
    [InlineData("status=ACTIVE&usage=encrypt_decrypt", true, false, false)]
    [InlineData("status=pending-deletion", false, false, true)]
    [InlineData("status=Pending_Deletion&usage=ENCRYPTDECRYPT", false, false, true)]
    [InlineData("status=disabled", false, true, false)]
    [InlineData("status=deleted", false, false, false)]
    [InlineData("usage=SignVerify", false, false, false)]
    [InlineData("usage=encrypt-decrypt", true, true, true)]
    public async Task List_ShowsWhatTheFilterAdmits(string filter, bool active, bool disabled, bool pending)
    {
        await CreateAsync("filter-active");
        await CreateAsync("filter-disabled");
        await CreateAsync("filter-pending");
        await _host.Admin.PostAsync($"{Kms}/keys/disable", """{"key_id":"filter-disabled"}""");
        await _host.Admin.SendAsync("DELETE", $"{Kms}/keys/delete", """{"key_id":"filter-pending"}""");
        foreach (string route in (string[])["keys", "list-keys"])
        {
            string[] ids = await ListAsync($"{route}?limit=1000&{filter}");
            Assert.Equal(
                (active, disabled, pending), (ids.Contains("filter-active"), ids.Contains("filter-disabled"), ids.Contains("filter-pending")));
        }
    }

    [Fact]
    public async Task Filter_AppliesAfterThePageIsCut()
    {
        await CreateAsync("a-first-of-all");
        JsonElement page = (await _host.Admin.GetAsync($"{Kms}/keys?limit=1&status=Deleted")).Expect(200).Json;

        Assert.Empty(page.GetProperty("keys").EnumerateArray());
        Assert.True(page.GetProperty("truncated").GetBoolean());
        Assert.NotNull(page.GetProperty("next_marker").GetString());
    }

    [Theory]
    [InlineData("status", "", "Active, Disabled, PendingDeletion, Deleted")]
    [InlineData("status", "Enabled", "Active, Disabled, PendingDeletion, Deleted")]
    [InlineData("usage", "both", "EncryptDecrypt, SignVerify")]
    public async Task UnknownFilter_Is400(string name, string value, string choices) =>
        (await _host.Admin.GetAsync($"{Kms}/keys?{name}={value}")).ExpectFailure(
            400, "MalformedRequest", $"invalid value for '{name}': expected one of {choices}");

    private async Task CreateAsync(string id) => await _host.Admin.PostAsync($"{Kms}/keys", $$"""{"key_name":"{{id}}"}""");

    private async Task DeleteAsync(string id)
    {
        Answer deleted = (await _host.Tcp.SendAsync("DELETE", $"{Kms}/keys/delete", $$"""{"key_id":"{{id}}","pending_window_in_days":7}""")).Expect(200);
        Assert.Equal("key deleted successfully", deleted.Message);
        Assert.NotNull(deleted["deletion_date"]);
    }

    private async Task ExpectAsync(string route, string id, string message, string state)
    {
        JsonElement key = await ChangeAsync(route, $$"""{"key_id":"{{id}}"}""", message);
        Assert.Equal((id, state), (key.GetProperty("key_id").GetString(), key.GetProperty("key_state").GetString()));
    }

    private async Task<JsonElement> ChangeAsync(string route, string body, string message)
    {
        Answer changed = (await _host.Tcp.PostAsync($"{Kms}/keys/{route}", body)).Expect(200);
        Assert.Equal(["success", "message", "key_id", "key_metadata"], changed.Json.EnumerateObject().Select(static member => member.Name));
        Assert.Equal(message, changed.Message);
        return changed.Json.GetProperty("key_metadata");
    }

    private async Task RefusedAsync(string route, string id, string code)
    {
        Answer refused = (await _host.Tcp.PostAsync($"{Kms}/keys/{route}", $$"""{"key_id":"{{id}}"}""")).Expect(409);
        Assert.Equal((code, id), (refused["code"], refused["key_id"]));
    }

    private async Task<JsonElement> InfoAsync(string id) =>
        (await _host.Admin.GetAsync($"{Kms}/keys?limit=1000")).Expect(200).Json.GetProperty("keys").EnumerateArray()
            .Single(key => key.GetProperty("key_id").GetString() == id);

    private async Task<string[]> ListAsync(string target) =>
        [.. (await _host.Admin.GetAsync($"{Kms}/{target}")).Expect(200).Json.GetProperty("keys").EnumerateArray()
            .Select(static key => key.GetProperty("key_id").GetString()!)];
}
