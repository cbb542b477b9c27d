using System.Text;
using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Data keys over the data socket, and upstream's admin route for one.</summary>
public sealed class DataKeyRoutesTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Theory]
    [InlineData("", 32)]
    [InlineData("{}", 32)]
    [InlineData("""{"key_id":null,"encryption_context":null,"key_spec":"AES_256"}""", 32)]
    [InlineData("""{"key_spec":"Aes256"}""", 32)]
    [InlineData("""{"key_spec":"AES_128"}""", 16)]
    [InlineData("""{"key_spec":"Aes128"}""", 16)]
    [InlineData("""{"key_spec":"ChaCha20","encryption_context":{"bucket":"b","k\u00e9y":"\ud83d\udd11"}}""", 32)]
    public async Task GeneratedKey_OpensAgain(string body, int length)
    {
        JsonElement made = (await _host.Data.PostAsync("/v1/generate-data-key", body)).Expect(200).Json;
        Assert.Equal(["key_id", "key_version", "plaintext_key", "ciphertext_blob"], Names(made));
        Assert.Equal(length, made.GetProperty("plaintext_key").GetBytesFromBase64().Length);

        string context = body.Contains("bucket") ? JsonElement.Parse(body).GetProperty("encryption_context").GetRawText() : "{}";
        JsonElement opened = (await DecryptAsync(made.GetProperty("ciphertext_blob").GetString()!, context)).Expect(200).Json;

        Assert.Equal(["key_id", "key_version", "plaintext_key"], Names(opened));
        Assert.Equal("master", opened.GetProperty("key_id").GetString());
        Assert.Equal(1, opened.GetProperty("key_version").GetInt32());
        Assert.Equal(made.GetProperty("plaintext_key").GetString(), opened.GetProperty("plaintext_key").GetString());
    }

    [Theory]
    [InlineData("Aes256")]
    [InlineData("AES_256")]
    public async Task AdminRoute_AnswersWithUpstreamsMembers(string spec)
    {
        JsonElement made = (await _host.Tcp.PostAsync($"{Kms}/generate-data-key", $$"""{"key_id":"master","key_spec":"{{spec}}"}""")).Expect(200).Json;

        Assert.Equal(["key_id", "plaintext_key", "ciphertext_blob"], Names(made));
        (await DecryptAsync(made.GetProperty("ciphertext_blob").GetString()!)).Expect(200);
    }

    [Theory]
    [InlineData("master")]
    [InlineData("alias/master")]
    [InlineData("default")]
    [InlineData("alias/default")]
    [InlineData("arn:aws:kms:us-east-1:000000000000:key/master")]
    [InlineData("arn:aws:kms:us-east-1:000000000000:alias/default")]
    public async Task Key_IsAnsweredInTheFormItWasAskedIn(string reference)
    {
        JsonElement made = (await _host.Data.PostAsync("/v1/generate-data-key", $$"""{"key_id":"{{reference}}"}""")).Expect(200).Json;

        Assert.Equal(reference, made.GetProperty("key_id").GetString());
        Answer opened = (await DecryptAsync(made.GetProperty("ciphertext_blob").GetString()!)).Expect(200);
        Assert.Equal("master", opened["key_id"]);
    }

    [Theory]
    [InlineData("arn:aws:kms:us-east-1:000000000000:key/nope")]
    [InlineData("arn:aws:kms:us-east-1:000000000000")]
    [InlineData("arn:aws:kms:us-east-1:000000000000:grant/master")]
    [InlineData("alias/")]
    [InlineData("alias/alias/master")]
    [InlineData("../master")]
    [InlineData("")]
    public async Task ReferenceToNoKey_Is404(string reference) =>
        (await _host.Data.PostAsync("/v1/generate-data-key", $$"""{"key_id":"{{reference}}"}""")).ExpectFailure(404, "KeyNotFound", "key not found");

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(64)]
    public async Task ManyKeys_AreAllDifferent(int count)
    {
        JsonElement made = (await _host.Data.PostAsync("/v1/generate-data-key", $$"""{"count":{{count}}}""")).Expect(200).Json;

        Assert.Equal(["data_keys"], Names(made));
        JsonElement[] keys = [.. made.GetProperty("data_keys").EnumerateArray()];
        Assert.Equal(count, keys.Length);
        Assert.Distinct(keys.Select(static key => key.GetProperty("plaintext_key").GetString()));
        (await DecryptAsync(keys[^1].GetProperty("ciphertext_blob").GetString()!)).Expect(200);
    }

    [Fact]
    public async Task CountOfOne_IsOneObject() => Assert.Equal(
        ["key_id", "key_version", "plaintext_key", "ciphertext_blob"],
        Names((await _host.Data.PostAsync("/v1/generate-data-key", """{"count":1}""")).Expect(200).Json));

    [Theory]
    [InlineData(1)]
    [InlineData(4093)]
    [InlineData(4096)]
    public async Task Plaintext_UpTo4096Bytes_ComesBack(int length)
    {
        byte[] plaintext = new byte[length];
        Random.Shared.NextBytes(plaintext);
        string text = Convert.ToBase64String(plaintext);

        JsonElement sealedText = (await _host.Data.PostAsync("/v1/encrypt", $$"""{"plaintext":"{{text}}"}""")).Expect(200).Json;

        Assert.Equal(["key_id", "key_version", "ciphertext_blob"], Names(sealedText));
        Assert.Equal(text, (await DecryptAsync(sealedText.GetProperty("ciphertext_blob").GetString()!)).Expect(200)["plaintext_key"]);
    }

    [Fact]
    public async Task Plaintext_Of4097Bytes_Is400() =>
        (await _host.Data.PostAsync("/v1/encrypt", $$"""{"plaintext":"{{Convert.ToBase64String(new byte[4097])}}"}""")).ExpectFailure(
            400, "MalformedRequest", "member 'plaintext' is longer than 4096 bytes");

    [Fact]
    public async Task Rewrap_KeepsTheContentAndChangesTheKey()
    {
        await _host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"other"}""");
        JsonElement made = (await _host.Data.PostAsync("/v1/generate-data-key", """{"encryption_context":{"a":"b"}}""")).Expect(200).Json;
        string blob = made.GetProperty("ciphertext_blob").GetString()!;

        Answer same = (await _host.Data.PostAsync("/v1/rewrap", $$$"""{"ciphertext_blob":"{{{blob}}}","encryption_context":{"a":"b"}}""")).Expect(200);
        Answer moved = (await _host.Data.PostAsync(
            "/v1/rewrap", $$$"""{"ciphertext_blob":"{{{blob}}}","encryption_context":{"a":"b"},"key_id":"other"}""")).Expect(200);

        Assert.Equal(("master", "other"), (same["key_id"], moved["key_id"]));
        Assert.NotEqual(blob, same["ciphertext_blob"]);
        foreach (Answer answer in (Answer[])[same, moved])
        {
            Answer opened = (await DecryptAsync(answer["ciphertext_blob"]!, """{"a":"b"}""")).Expect(200);
            Assert.Equal(made.GetProperty("plaintext_key").GetString(), opened["plaintext_key"]);
            Assert.Equal(answer["key_id"], opened["key_id"]);
        }
    }

    [Fact]
    public async Task WhatDoesNotOpen_IsOneAnswerForEveryReason()
    {
        JsonElement made = (await _host.Data.PostAsync("/v1/generate-data-key", """{"encryption_context":{"a":"b"}}""")).Expect(200).Json;
        string blob = made.GetProperty("ciphertext_blob").GetString()!;
        string envelope = Encoding.UTF8.GetString(Convert.FromBase64String(blob));
        string[] refused =
        [
            await RefusalAsync(blob, "{}"),
            await RefusalAsync(blob, """{"a":"c"}"""),
            await RefusalAsync(blob, """{"a":"b","c":"d"}"""),
            await RefusalAsync(Base64(envelope.Replace("\"master\"", "\"nobody\"")), """{"a":"b"}"""),
            await RefusalAsync(Base64(envelope.Replace("\"master_key_version\":1", "\"master_key_version\":2")), """{"a":"b"}"""),
            await RefusalAsync(Base64(envelope.Replace("\"encrypted_key\":[", "\"encrypted_key\":[1,")), """{"a":"b"}"""),
            await RefusalAsync(Base64(envelope[..^1]), """{"a":"b"}"""),
            await RefusalAsync(Base64("rubbish"), """{"a":"b"}"""),
            await RefusalAsync("", """{"a":"b"}"""),
            await RefusalAsync(Convert.ToBase64String(new byte[5000]), """{"a":"b"}"""),
        ];

        string only = Assert.Single(refused.Distinct());
        Assert.Equal("""{"success":false,"message":"the ciphertext cannot be opened","code":"InvalidCiphertext","request_id":""}""", only);
    }

    [Fact]
    public async Task Description_HasTheVersion()
    {
        JsonElement key = (await _host.Data.GetAsync("/v1/keys/default")).Expect(200).Json;

        Assert.Equal(
            ["key_id", "key_state", "key_version", "key_usage", "description", "creation_date", "deletion_date", "rotated_at", "tags"], Names(key));
        Assert.Equal("master", key.GetProperty("key_id").GetString());
        Assert.Equal(1, key.GetProperty("key_version").GetInt32());
    }

    [Fact]
    public async Task Status_SaysNothingOfPaths()
    {
        Answer status = (await _host.Data.GetAsync("/v1/status")).Expect(200);

        Assert.Equal(["status", "default_key_id", "generation", "healthy", "version"], Names(status.Json));
        Assert.DoesNotContain(_host.Directory.FullPath, status.Text);
    }

    [Fact]
    public async Task EveryAnswer_IsNotToBeStored()
    {
        Answer answer = (await _host.Data.PostAsync("/v1/generate-data-key")).Expect(200);

        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal(32, answer.Header("x-request-id")!.Length);
        Assert.Null(answer.Header("Server"));
    }

    private Task<Answer> DecryptAsync(string blob, string context = "{}") =>
        _host.Data.PostAsync("/v1/decrypt", $$"""{"ciphertext_blob":"{{blob}}","encryption_context":{{context}}}""");

    /// <summary>The whole answer but its request id; the same for decrypt and rewrap.</summary>
    private async Task<string> RefusalAsync(string blob, string context)
    {
        Answer decrypt = (await DecryptAsync(blob, context)).Expect(400);
        Answer rewrap = await _host.Data.PostAsync("/v1/rewrap", $$"""{"ciphertext_blob":"{{blob}}","encryption_context":{{context}}}""");
        string text = decrypt.Text.Replace(decrypt["request_id"]!, "");
        Assert.Equal(text, rewrap.Text.Replace(rewrap["request_id"]!, ""));
        Assert.Equal(StableHeaders(decrypt), StableHeaders(rewrap));
        return text;
    }

    private static IEnumerable<string> StableHeaders(Answer answer) => answer.Headers
        .Where(static header => header.Key.ToLowerInvariant() is not ("date" or "x-request-id"))
        .Select(static header => $"{header.Key}: {header.Value}")
        .Order();

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(static member => member.Name)];
}
