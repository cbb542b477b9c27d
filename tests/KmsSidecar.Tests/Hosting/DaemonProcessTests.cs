using System.Net.Sockets;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>The program from outside: how it starts, ends, and says why not.</summary>
public sealed class DaemonProcessTests : IDisposable
{
    private static readonly string[] NoTcp = ["--listen", "none"];

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Terminate_EndsWith0AndLeavesNothing()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(["--dev"]);
        string socket = daemon.Exported("SOCK");
        using ApiClient data = ApiClient.OverUnix(socket);
        (await data.PostAsync("/v1/generate-data-key")).Expect(200);

        daemon.Terminate();

        Assert.Equal(0, await daemon.WaitForExitAsync());
        Assert.False(Directory.Exists(Path.GetDirectoryName(socket)));
    }

    [Fact]
    public async Task Terminate_WaitsForARequestThatTakesSeconds()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(["--dev", .. NoTcp]);
        using RawConnection connection = await RawConnection.OpenAsync(new UnixDomainSocketEndPoint(daemon.Exported("SOCK")));
        await connection.SendAsync("POST /v1/generate-data-key HTTP/1.1\r\nHost: kms\r\nContent-Length: 2\r\n\r\n{");
        await Task.Delay(TimeSpan.FromSeconds(0.5), TestContext.Current.CancellationToken);

        daemon.Terminate();
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        await connection.SendAsync("}");

        Assert.Equal(200, (await connection.ReadAsync())?.Status);
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    [Fact]
    public async Task TwoSandboxes_RunSideBySide()
    {
        await using DaemonProcess one = await DaemonProcess.ServeAsync(["--dev"]);
        await using DaemonProcess other = await DaemonProcess.ServeAsync(["--dev"]);

        Assert.NotEqual(one.Exported("KMS"), other.Exported("KMS"));
        foreach (DaemonProcess daemon in (DaemonProcess[])[one, other])
        {
            Uri address = new(daemon.Exported("KMS"));
            using ApiClient client = ApiClient.OverTcp(
                new Uri(address.GetLeftPart(UriPartial.Authority)), (daemon.Exported("RUSTFS_ACCESS_KEY"), daemon.Exported("RUSTFS_SECRET_KEY")));
            (await client.GetAsync($"{TestHost.Kms}/status")).Expect(200);
        }
    }

    [Fact]
    public async Task SecondDaemon_OnTheSameSocket_EndsWith75()
    {
        await using DaemonProcess first = await DaemonProcess.ServeAsync([.. Arguments("one"), .. NoTcp]);

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(["serve", .. Arguments("two"), .. NoTcp]);

        Assert.Equal(75, exitCode);
        Assert.Contains($"kms-sidecar: {_directory.PathOf("kms.sock")} is in use by another kms-sidecar", errors);
    }

    [Fact]
    public async Task SecondDaemon_OnTheSameState_EndsWith75()
    {
        await using DaemonProcess first = await DaemonProcess.ServeAsync([.. Arguments("one"), .. NoTcp]);

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(["serve", .. Arguments("one"), .. NoTcp]);

        Assert.Equal(75, exitCode);
        Assert.Contains($"kms-sidecar: {_directory.PathOf("one")} is in use by another kms-sidecar", errors);
    }

    [Fact]
    public async Task TakenPort_EndsWith71InOneLine()
    {
        await using TestHost first = await TestHost.StartAsync();

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(
            ["serve", .. Arguments("one"), "--listen", $"127.0.0.1:{first.Address.Port}", "--log-level", "error"]);

        Assert.Equal(71, exitCode);
        Assert.Equal(
            $"kms-sidecar: cannot listen on 127.0.0.1:{first.Address.Port}: another process listens there; end it (`ss -ltnp` shows it), or give another address with --listen",
            errors.Trim());
    }

    [Fact]
    public async Task Restart_ComesBackRunning()
    {
        string configuration = $$"""{"backend_type":"local","key_dir":"{{_directory.PathOf("keys")}}","default_key_id":"k"}""";
        await using (DaemonProcess first = await DaemonProcess.ServeAsync([.. Arguments("one"), .. NoTcp]))
        {
            using ApiClient admin = ApiClient.OverUnix(_directory.PathOf("admin.sock"));
            (await admin.PostAsync($"{TestHost.Kms}/configure", configuration)).Expect(200);
            (await admin.PostAsync($"{TestHost.Kms}/start")).Expect(200);
        }

        // The first one was killed, so its sockets are still there.
        Assert.True(File.Exists(_directory.PathOf("kms.sock")));
        await using DaemonProcess second = await DaemonProcess.ServeAsync([.. Arguments("one"), .. NoTcp, "--log-format", "text"]);
        using ApiClient data = ApiClient.OverUnix(_directory.PathOf("kms.sock"));

        (await data.PostAsync("/v1/generate-data-key")).Expect(200);
        Assert.Contains($"removed the stale socket {_directory.PathOf("kms.sock")}", second.Errors);
    }

    [Fact]
    public async Task FrameworkVariables_ChangeNothing()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            ["--dev", "--listen", "none"],
            ("ASPNETCORE_URLS", "http://127.0.0.1:1"),
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("Logging__LogLevel__Default", "Trace"));

        Assert.DoesNotContain("Hosting", daemon.Errors);
        Assert.DoesNotContain("127.0.0.1:1", daemon.Errors);
    }

    private string[] Arguments(string state) =>
    [
        "--socket", _directory.PathOf("kms.sock"), "--admin-socket", _directory.PathOf("admin.sock"),
        "--state-dir", _directory.PathOf(state),
    ];
}
