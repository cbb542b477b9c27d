using System.Text.Json;
using KmsSidecar.Audit;
using KmsSidecar.Tests.Audit;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Api;

/// <summary>What <c>/readyz</c> tells people and programs; for probes see <see cref="NotRunningTests"/>.</summary>
public sealed class ReadinessTests
{
    private const string Detail = "/readyz?format=json";

    [Fact]
    public async Task EverythingWell_IsReadyAndOk()
    {
        await using TestHost host = await TestHost.StartRunningAsync();

        JsonElement report = (await host.Tcp.GetAsync(Detail)).Expect(200).Json;

        Assert.True(report.GetProperty("ready").GetBoolean());
        Assert.Equal("ok", report.GetProperty("status").GetString());
        Assert.Equal(["service", "backend", "data_key", "keys", "decrypt_only"], report.GetProperty("checks").EnumerateArray().Select(static check => check.GetProperty("name").GetString()));
        Assert.All(report.GetProperty("checks").EnumerateArray(), static check => Assert.Equal("ok", check.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task AcceptHeader_AsksForTheSame()
    {
        await using TestHost host = await TestHost.StartRunningAsync();

        Assert.Equal("ok\n", (await host.Tcp.GetAcceptingAsync("/readyz", "*/*")).Expect(200).Text);
        Answer answer = (await host.Tcp.GetAcceptingAsync("/readyz", "application/json")).Expect(200);
        Assert.Equal("application/json", answer.Header("Content-Type"));
        Assert.True(answer.Json.GetProperty("ready").GetBoolean());
    }

    [Fact]
    public async Task DisabledDefaultKey_IsNotReady()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        (await host.Admin.PostAsync($"{TestHost.Kms}/keys/disable", """{"key_id":"master"}""")).Expect(200);

        Answer answer = (await host.Tcp.GetAsync(Detail)).Expect(503);

        Assert.Equal("fault", Check(answer, "data_key").GetProperty("status").GetString());
        Assert.Equal("ok", Check(answer, "backend").GetProperty("status").GetString());
        Assert.Equal("2", answer.Header("Retry-After"));
        (await host.Tcp.GetAsync("/readyz")).ExpectFailure(503, "BackendUnavailable", "no data key can be made and opened with the default key");
    }

    [Fact]
    public async Task Reason_IsForTheAdminSocketAlone()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        Directory.Move(host.Directory.PathOf("keys"), host.Directory.PathOf("elsewhere"));

        Answer stranger = (await host.Tcp.GetAsync(Detail)).Expect(503);
        Answer admin = (await host.Admin.GetAsync(Detail)).Expect(503);

        Assert.DoesNotContain(host.Directory.PathOf("keys"), stranger.Text);
        Assert.False(Check(stranger, "backend").TryGetProperty("detail", out _));
        Assert.Contains(host.Directory.PathOf("keys"), Check(admin, "backend").GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Since_StaysWhileNothingChanges()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        string? first = Check(await host.Tcp.GetAsync(Detail), "data_key").GetProperty("since").GetString();

        (await host.Admin.PostAsync($"{TestHost.Kms}/keys/disable", """{"key_id":"master"}""")).Expect(200);
        (await host.Admin.PostAsync($"{TestHost.Kms}/keys/enable", """{"key_id":"master"}""")).Expect(200);

        Assert.Equal(first, Check(await host.Tcp.GetAsync(Detail), "data_key").GetProperty("since").GetString());
    }

    [Fact]
    public async Task StoppedService_TellsWhatIsNotLookedAt()
    {
        await using TestHost host = await TestHost.StartAsync();

        JsonElement report = (await host.Tcp.GetAsync(Detail)).Expect(503).Json;

        Assert.False(report.GetProperty("ready").GetBoolean());
        Assert.Equal("fault", report.GetProperty("status").GetString());
        Assert.Equal("service", Assert.Single(report.GetProperty("checks").EnumerateArray()).GetProperty("name").GetString());
    }

    [Theory]
    [InlineData(true, 503)]
    [InlineData(false, 200)]
    public async Task AuditLogThatCannotBeWritten_IsNotReady_WhereOperationsAreRefusedForIt(bool refuses, int status)
    {
        await using TestHost host = await TestHost.StartRunningAsync(options => options with { Audit = AuditUnderTest.Bounded with { RefusesUnrecorded = refuses } });
        string log = Path.Join(host.Host.Options.StateDirectory, AuditLog.DirectoryName);
        Directory.Delete(log, recursive: true);
        File.WriteAllText(log, "in its way");
        await host.Admin.PostAsync($"{TestHost.Kms}/clear-cache");

        Answer answer = (await host.Admin.GetAsync(Detail)).Expect(status);

        Assert.Equal("fault", Check(answer, "audit").GetProperty("status").GetString());
        Assert.Contains(log, Check(answer, "audit").GetProperty("detail").GetString());
        Assert.Equal("ok", Check(answer, "data_key").GetProperty("status").GetString());
    }

    private static JsonElement Check(Answer answer, string name) =>
        answer.Json.GetProperty("checks").EnumerateArray().Single(check => check.GetProperty("name").GetString() == name);
}
