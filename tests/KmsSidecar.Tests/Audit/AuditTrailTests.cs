using System.Globalization;
using System.Net;
using System.Text.Json;
using KmsSidecar.Audit;
using KmsSidecar.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Audit;

/// <summary>What a daemon records of calls over each of its doors.</summary>
public sealed class AuditTrailTests : IAsyncLifetime
{
    private TestHost _host = null!;

    private string LogDirectory => Path.Join(_host.Host.Options.StateDirectory, AuditLog.DirectoryName);

    public async ValueTask InitializeAsync()
    {
        _host = await TestHost.StartAsync(static options => options with { Audit = AuditUnderTest.Bounded with { IsStrict = true } });
        (await _host.Admin.PostAsync($"{TestHost.Kms}/configure", _host.LocalConfiguration)).Expect(200);
        (await _host.Admin.PostAsync($"{TestHost.Kms}/start")).Expect(200);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task DataKey_OverTheDataSocket()
    {
        Answer made = (await _host.Data.PostAsync("/v1/generate-data-key", """{"encryption_context":{"bucket":"b"},"count":3}""")).Expect(200);

        JsonElement line = Of(made);
        Assert.Equal(("data_key", "POST /v1/generate-data-key", "data_socket"), (Text(line, "kind"), Text(line, "operation"), Text(line, "surface")));
        Assert.Equal(Environment.ProcessId, line.GetProperty("pid").GetInt32());
        Assert.Equal(("master", 1, 3), (Text(line, "key_id"), line.GetProperty("key_version").GetInt32(), line.GetProperty("count").GetInt32()));
        Assert.Equal(1, line.GetProperty("generation").GetInt64());
    }

    [Fact]
    public async Task ItemsOfABatch_HaveALineEach()
    {
        string blob = (await _host.Data.PostAsync("/v1/generate-data-key", "{}")).Expect(200)["ciphertext_blob"]!;

        Answer opened = (await _host.Data.PostAsync("/v1/decrypt", $$"""{"items":[{"ciphertext_blob":"{{blob}}"},{"ciphertext_blob":"AAAA"},{"ciphertext_blob":"?"}]}""")).Expect(200);

        JsonElement[] lines = AllOf(opened);
        Assert.Equal([0, 1, 2], lines.Select(static line => line.GetProperty("item").GetInt32()));
        Assert.Equal(["ok", "InvalidCiphertext", "MalformedRequest"], lines.Select(static line => Text(line, "result")));
        Assert.Equal("master", Text(lines[0], "key_id"));
    }

    [Fact]
    public async Task Rewrap_NamesBothKeys()
    {
        Answer created = (await _host.Tcp.PostAsync($"{TestHost.Kms}/keys", """{"key_name":"other"}""")).Expect(200);
        string blob = (await _host.Data.PostAsync("/v1/generate-data-key", "{}")).Expect(200)["ciphertext_blob"]!;

        Answer moved = (await _host.Data.PostAsync("/v1/rewrap", $$"""{"ciphertext_blob":"{{blob}}","key_id":"other"}""")).Expect(200);

        JsonElement line = Of(moved);
        Assert.Equal(("master", "other"), (Text(line, "from_key_id"), Text(line, "key_id")));
        JsonElement change = Of(created);
        Assert.Equal(("admin", "tcp", TestHost.AccessKey, "127.0.0.1"), (Text(change, "kind"), Text(change, "surface"), Text(change, "access_key"), Text(change, "address")));
        Assert.Equal("other", Text(change, "key_id"));
    }

    [Fact]
    public async Task AwsOperation_HasTheKeyItself_WhateverItWasCalled()
    {
        Answer made = (await _host.Tcp.AwsAsync("GenerateDataKeyWithoutPlaintext", """{"KeyId":"alias/master","KeySpec":"AES_256"}""")).Expect(200);

        JsonElement line = Of(made);
        Assert.Equal(("TrentService.GenerateDataKeyWithoutPlaintext", "master"), (Text(line, "operation"), Text(line, "key_id")));
    }

    [Fact]
    public async Task BadSignature_IsRecorded_WithoutAName()
    {
        using ApiClient stranger = ApiClient.OverTcp(_host.Address, (TestHost.AccessKey, "wrong"));

        Answer refused = (await stranger.GetAsync($"{TestHost.Kms}/status")).Expect(403);

        // It does not wait for the disk; a change behind it does.
        (await _host.Admin.PostAsync($"{TestHost.Kms}/clear-cache")).Expect(200);
        JsonElement line = Assert.Single(Lines(), static line => Text(line, "kind") == "access");
        Assert.Equal((403, "SignatureDoesNotMatch"), (line.GetProperty("status").GetInt32(), Text(line, "result")));
        Assert.False(line.TryGetProperty("access_key", out _));
        Assert.NotEmpty(refused.Body);
    }

    [Fact]
    public async Task RequestThatEnds_BeforeItsSignatureIsVerified_IsAStrangers()
    {
        string time = DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        using HttpClient http = new() { BaseAddress = _host.Address };
        using HttpRequestMessage request = new(HttpMethod.Post, $"{TestHost.Kms}/clear-cache") { Content = new ByteArrayContent(new byte[2 << 20]) };
        request.Headers.TryAddWithoutValidation("x-amz-date", time);
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            $"AWS4-HMAC-SHA256 Credential={TestHost.AccessKey}/{time[..8]}/us-east-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature={new string('0', 64)}");

        using HttpResponseMessage refused = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        (await _host.Admin.PostAsync($"{TestHost.Kms}/clear-cache")).Expect(200);
        Assert.Equal("RequestTooLarge", Text(Assert.Single(Lines(), static line => Text(line, "kind") == "access"), "result"));
    }

    [Fact]
    public async Task Users_AreRecorded_WithWhomTheChangeWasAbout()
    {
        Answer created = (await _host.Admin.PostAsync($"{TestHost.Kms}/users", """{"access_key":"backup-job"}""")).Expect(200);
        Answer deleted = (await _host.Admin.SendAsync("DELETE", $"{TestHost.Kms}/users/backup-job")).Expect(200);

        Assert.Equal(("admin", "backup-job"), (Text(Of(created), "kind"), Text(Of(created), "target")));
        Assert.Equal("backup-job", Text(Of(deleted), "target"));
        Assert.DoesNotContain(created.Json.GetProperty("secret_key").GetString()!, string.Concat(Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatTheDaemonDoesItself_IsRecorded()
    {
        _host.Host.Reread(LogLevel.None);
        (await _host.Admin.PostAsync($"{TestHost.Kms}/clear-cache")).Expect(200);

        JsonElement line = Assert.Single(Lines(), static line => line.TryGetProperty("operation", out JsonElement operation) && operation.GetString() == "reload");
        Assert.Equal(("admin", "daemon", 1), (Text(line, "kind"), Text(line, "surface"), line.GetProperty("generation").GetInt64()));
    }

    [Fact]
    public async Task Polling_IsNoOperation()
    {
        int before = Lines().Length;

        (await _host.Tcp.GetAsync("/readyz")).Expect(200);
        (await _host.Tcp.GetAsync("/metrics")).Expect(200);
        (await _host.Tcp.GetAsync($"{TestHost.Kms}/status")).Expect(200);
        (await _host.Data.GetAsync("/v1/status")).Expect(200);

        Assert.Equal(before, Lines().Length);
    }

    [Fact]
    public async Task NothingSecret_IsInTheLog()
    {
        Answer made = (await _host.Data.PostAsync("/v1/generate-data-key", """{"encryption_context":{"bucket":"secret-bucket"}}""")).Expect(200);

        string log = string.Concat(Directory.GetFiles(LogDirectory, "*.jsonl").Select(File.ReadAllText));
        Assert.DoesNotContain(made["plaintext_key"]!, log, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-bucket", log, StringComparison.Ordinal);
        Assert.DoesNotContain(TestHost.Secret, log, StringComparison.Ordinal);
    }

    private static string? Text(JsonElement line, string member) => line.GetProperty(member).GetString();

    private JsonElement Of(Answer answer) => Assert.Single(AllOf(answer));

    private JsonElement[] AllOf(Answer answer) =>
        [.. Lines().Where(line => line.TryGetProperty("request_id", out JsonElement id) && id.GetString() == answer.Header("x-request-id"))];

    private JsonElement[] Lines() =>
        [.. Directory.GetFiles(LogDirectory, "*.jsonl").Order().SelectMany(File.ReadAllLines).Select(static line => JsonDocument.Parse(line).RootElement)];
}
