using KmsSidecar.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>The kernel says who calls, and the allow-list whether that is good enough.</summary>
public sealed class PeerTests
{
    private const uint SomebodyElse = 3_000_000_001;

    [Fact]
    public async Task CallerThatIsNotOnTheList_IsRefused()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options with { AllowUids = [SomebodyElse] });

        Answer refused = await host.Data.PostAsync("/v1/generate-data-key");

        refused.ExpectFailure(403, "Forbidden", "this process may not use this socket: its user and group are not on the allow-list");
        Assert.Equal("close", refused.Header("Connection"));
        (await host.Admin.GetAsync($"{TestHost.Kms}/status")).Expect(200);
    }

    [Fact]
    public async Task Group_OpensTheSocketToItsMembers()
    {
        uint own = Posix.EffectiveUserId();
        (int _, string groups) = await Shell.RunAsync("id", "-G");
        uint group = uint.Parse(groups.Split(' ')[0]);
        await using TestHost host = await TestHost.StartAsync(options => options with { AllowUids = [SomebodyElse], AllowGids = [group] });
        (await host.Data.GetAsync("/v1/status")).Expect(200);

        await using TestHost byUser = await TestHost.StartAsync(options => options with { AllowUids = [own] });
        (await byUser.Data.GetAsync("/v1/status")).Expect(200);
    }

    [Fact]
    public async Task RefusedCaller_IsLoggedOnceWithUserGroupAndProcess()
    {
        using NotifySocket manager = new();
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            ["--dev", "--listen", "none", "--allow-uid", $"{SomebodyElse}", "--log-format", "text"], manager.Variable, ("WATCHDOG_USEC", "300000"));
        await manager.NextAsync("READY=1");
        for (int i = 0; i < 3; i++)
        {
            // The daemon has asked itself, and is refused as well.
            await manager.NextAsync("WATCHDOG=1");
        }

        using ApiClient client = ApiClient.OverUnix(daemon.Exported("SOCK"));

        (await client.GetAsync("/v1/status")).Expect(403);
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());

        string line = Assert.Single(daemon.Errors.Split('\n'), static line => line.Contains("refused uid"));
        (int _, string gid) = await Shell.RunAsync("id", "-g");
        Assert.Contains(
            $"DataSocket refused uid {Posix.EffectiveUserId()} gid {gid.Trim()} pid {Environment.ProcessId}: not on the allow-list;", line);
    }
}
