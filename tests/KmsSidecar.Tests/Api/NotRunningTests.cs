using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>What is answered before a configuration, and after a stop.</summary>
public sealed class NotRunningTests
{
    [Fact]
    public async Task KeyAndDataRoutes_Are503WithRetryAfter()
    {
        await using TestHost host = await StartAsync();
        Answer[] answers =
        [
            await host.Tcp.GetAsync($"{Kms}/keys"),
            await host.Tcp.GetAsync($"{Kms}/keys/x"),
            await host.Tcp.PostAsync($"{Kms}/keys", "{}"),
            await host.Tcp.PostAsync($"{Kms}/keys/enable", """{"key_id":"x"}"""),
            await host.Tcp.PostAsync($"{Kms}/keys/rotate?keyId=x"),
            await host.Tcp.PostAsync($"{Kms}/keys/tag", """{"key_id":"x","tags":{}}"""),
            await host.Tcp.SendAsync("DELETE", $"{Kms}/keys/delete", """{"key_id":"x"}"""),
            await host.Tcp.PostAsync($"{Kms}/clear-cache"),
            await host.Tcp.PostAsync($"{Kms}/generate-data-key", "{}"),
            await host.Data.PostAsync("/v1/generate-data-key"),
            await host.Data.PostAsync("/v1/decrypt", """{"ciphertext_blob":"AAAA"}"""),
            await host.Data.PostAsync("/v1/encrypt", """{"plaintext":"AAAA"}"""),
            await host.Data.PostAsync("/v1/rewrap", """{"ciphertext_blob":"AAAA"}"""),
            await host.Data.PostAsync("/v1/rewrap", """{"items":[{"ciphertext_blob":"AAAA"}]}"""),
            await host.Data.GetAsync("/v1/keys/x"),
        ];

        Assert.All(answers, static answer =>
        {
            answer.ExpectFailure(503, "NotRunning", "kms service is not running");
            Assert.Equal("2", answer.Header("Retry-After"));
        });
    }

    [Fact]
    public async Task Lifecycle_WithoutConfiguration_Is409()
    {
        await using TestHost host = await StartAsync();

        (await host.Tcp.PostAsync($"{Kms}/start")).ExpectFailure(
            409, "WrongState", "there is no configuration yet; POST /rustfs/admin/v3/kms/configure first");
        (await host.Tcp.PostAsync($"{Kms}/rollback")).ExpectFailure(409, "WrongState", "there is no configuration to roll back");
        (await host.Tcp.GetAsync($"{Kms}/config")).ExpectFailure(409, "WrongState", "there is no configuration yet");
        Assert.Equal("NotConfigured", (await host.Tcp.GetAsync($"{Kms}/status")).Expect(200)["status"]);
    }

    [Fact]
    public async Task Stop_RefusesKeysAndKeepsTheConfiguration()
    {
        await using TestHost host = await StartRunningAsync();
        (await host.Tcp.PostAsync($"{Kms}/stop")).Expect(200);

        (await host.Data.PostAsync("/v1/generate-data-key")).Expect(503);
        Assert.Equal("Configured", (await host.Tcp.GetAsync($"{Kms}/status")).Expect(200)["status"]);
        (await host.Tcp.PostAsync($"{Kms}/start")).Expect(200);
        (await host.Data.PostAsync("/v1/generate-data-key")).Expect(200);
    }

    [Fact]
    public async Task Readiness_FollowsTheState()
    {
        await using TestHost host = await StartAsync();
        Assert.Equal("ok\n", (await host.Tcp.GetAsync("/livez")).Expect(200).Text);
        (await host.Tcp.GetAsync("/readyz")).ExpectFailure(503, "NotRunning", "not running: NotConfigured");

        (await host.Tcp.PostAsync($"{Kms}/configure", host.LocalConfiguration)).Expect(200);
        (await host.Tcp.GetAsync("/readyz")).ExpectFailure(503, "NotRunning", "not running: Configured");

        (await host.Tcp.PostAsync($"{Kms}/start")).Expect(200);
        Assert.Equal("ok\n", (await host.Tcp.GetAsync("/readyz")).Expect(200).Text);

        Directory.Move(host.Directory.PathOf("keys"), host.Directory.PathOf("elsewhere"));
        Answer sick = (await host.Tcp.GetAsync("/readyz")).ExpectFailure(503, "BackendUnavailable", "the backend is not well");
        Assert.Equal("2", sick.Header("Retry-After"));
        Assert.Equal("unhealthy", (await host.Tcp.GetAsync($"{Kms}/status")).Expect(200)["backend_status"]);
        Assert.Equal("ok\n", (await host.Tcp.GetAsync("/livez")).Expect(200).Text);
    }

    [Fact]
    public async Task Readiness_AfterAFailedStart_SaysNothingOfTheReason()
    {
        await using TestHost host = await StartAsync();
        string blocked = host.Directory.PathOf("file");
        File.WriteAllText(blocked, "not a directory");
        (await host.Tcp.PostAsync($"{Kms}/configure", $$"""{"backend_type":"local","key_dir":"{{blocked}}"}""")).Expect(200);

        Answer failed = await host.Tcp.PostAsync($"{Kms}/start");

        Assert.InRange(failed.Status, 400, 599);
        Assert.Equal(failed.Message, failed.Json.GetProperty("status").GetProperty("Error").GetString());
        (await host.Tcp.GetAsync("/readyz")).ExpectFailure(503, "NotRunning", "not running: Error");
    }
}
