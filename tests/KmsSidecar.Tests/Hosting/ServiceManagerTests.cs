using System.Net.Sockets;
using System.Text;
using KmsSidecar.CommandLine;
using KmsSidecar.Hosting;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>What the program tells systemd, read from a socket of systemd's kind.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly NotifySocket _manager = new();

    private string[] Arguments =>
    [
        "--listen", "none", "--socket", _directory.PathOf("kms.sock"), "--admin-socket", _directory.PathOf("admin.sock"),
        "--state-dir", _directory.PathOf("state"),
    ];

    public void Dispose()
    {
        _manager.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task ALife_IsTold()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(Arguments, _manager.Variable);
        Assert.Equal("STATUS=Starting", await _manager.NextAsync("STATUS="));
        Assert.Equal("EXTEND_TIMEOUT_USEC=15000000", await _manager.NextAsync("EXTEND_TIMEOUT_USEC="));
        await _manager.NextAsync("READY=1");

        daemon.Terminate();

        await _manager.NextAsync("STOPPING=1");
        Assert.StartsWith("STATUS=Stopping", await _manager.NextAsync("STATUS=Stopping"));
        await _manager.NextAsync("EXTEND_TIMEOUT_USEC=");
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    [Fact]
    public async Task Status_FollowsTheState()
    {
        string keys = _directory.PathOf("keys");
        string configuration = $$"""{"backend_type":"local","key_dir":"{{keys}}","default_key_id":"app"}""";
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(Arguments, _manager.Variable);
        using ApiClient admin = ApiClient.OverUnix(_directory.PathOf("admin.sock"));
        Assert.StartsWith("STATUS=NotConfigured: next, POST a configuration", await _manager.NextAsync("STATUS=NotConfigured"));

        (await admin.PostAsync($"{TestHost.Kms}/configure", configuration)).Expect(200);
        Assert.Equal($"STATUS=Configured: local {keys}; next, POST /rustfs/admin/v3/kms/start", await _manager.NextAsync("STATUS="));

        (await admin.PostAsync($"{TestHost.Kms}/start")).Expect(200);
        Assert.Equal($"STATUS=Running: local {keys}, default key app", await _manager.NextAsync("STATUS="));
    }

    [Fact]
    public async Task FailedStart_IsTheStatus()
    {
        string[] arguments = ["serve", .. Arguments, "--master-key-file", _directory.PathOf("none")];
        (_, _, string errors) = await DaemonProcess.RunAsync(arguments, _manager.Variable);

        await _manager.NextAsync("STATUS=Starting");
        string status = await _manager.NextAsync("STATUS=");

        Assert.Equal($"kms-sidecar: {status["STATUS=".Length..]}", errors.Trim().Split('\n')[^1]);
    }

    [Fact]
    public async Task FailedStart_WithALongName_IsAStatusOfOneLine()
    {
        string[] arguments = ["serve", .. Arguments, "--master-key-file", $"{_directory.PathOf("none")}\nREADY=1\n{new string('x', 1000)}"];
        await DaemonProcess.RunAsync(arguments, _manager.Variable);

        await _manager.NextAsync("STATUS=Starting");
        string status = await _manager.NextAsync("STATUS=");

        Assert.Contains("none READY=1 xx", status, StringComparison.Ordinal);
        Assert.EndsWith("…", status, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailedStart_WithNobodyThere_KeepsItsExitCode()
    {
        string[] arguments = ["serve", .. Arguments, "--master-key-file", _directory.PathOf("none")];

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(arguments, ("NOTIFY_SOCKET", _directory.PathOf("nobody")));

        Assert.Equal(66, exitCode);
        Assert.StartsWith("kms-sidecar: the master key file", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NobodyThere_IsNoFault()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(Arguments, ("NOTIFY_SOCKET", _directory.PathOf("nobody")));

        daemon.Terminate();

        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    [Fact]
    public async Task NobodyThere_LeavesAFailedStartItsExitCode()
    {
        string[] arguments = ["serve", .. Arguments, "--master-key-file", _directory.PathOf("none")];

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(arguments, ("NOTIFY_SOCKET", _directory.PathOf("nobody")));

        Assert.Equal(ExitCode.Missing, exitCode);
        Assert.StartsWith($"kms-sidecar: the master key file {_directory.PathOf("none")} does not exist", errors.Trim().Split('\n')[^1]);
    }

    [Fact]
    public async Task NoDescriptorsToSpare_IsNoDeath()
    {
        // Here it is not compiled ahead, and the compiler needs descriptors: all that it does again and again is compiled once, and before.
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            Arguments, _manager.Variable, ("WATCHDOG_USEC", "300000"), ("DOTNET_TieredCompilation", "0"));
        await _manager.NextAsync("READY=1");
        for (int i = 0; i < 20; i++)
        {
            await _manager.NextAsync("WATCHDOG=1");
        }

        daemon.LimitOpenFiles(3);

        // More than can have been waiting.
        for (int i = 0; i < 30; i++)
        {
            await _manager.NextAsync("WATCHDOG=1");
        }
    }

    [Fact]
    public async Task AbstractAddress_IsTold()
    {
        string name = $"kms-sidecar-{Guid.NewGuid():N}";
        using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint($"\0{name}"));
        using ServiceManager manager = new($"@{name}");

        manager.Ready();

        byte[] buffer = new byte[64];
        int length = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        Assert.Equal("READY=1"u8, buffer.AsSpan(0, length));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("vsock:2:1234")]
    [InlineData("/12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890")]
    public void AddressThatCannotBe_IsNobody(string? address)
    {
        using ServiceManager manager = new(address);

        Assert.False(manager.IsEnabled);
        manager.Ready();
    }

    /// <summary>Systemd drops a longer message whole.</summary>
    [Fact]
    public async Task LongStatus_IsCut()
    {
        using ServiceManager manager = new(_manager.Path);

        manager.Say(new string('\u20ac', 100_000));

        Assert.InRange(Encoding.UTF8.GetByteCount(await _manager.NextAsync("STATUS=")), 2_000, 4_096);
    }

    [Theory]
    [InlineData("30000000", null, 30)]
    [InlineData("30000000", "", 30)]
    [InlineData("30000000", "own", 30)]
    [InlineData("30000000", "1", null)]
    [InlineData("9223372036854775807", null, 3600)]
    [InlineData("18446744073709551615", null, null)]
    [InlineData("0", null, null)]
    [InlineData("-1", null, null)]
    [InlineData("soon", null, null)]
    [InlineData(null, null, null)]
    public void WatchdogTime_IsReadFromTheEnvironment(string? microseconds, string? owner, int? seconds)
    {
        string? process = owner == "own" ? Environment.ProcessId.ToString() : owner;

        TimeSpan? time = ServiceManager.ReadWatchdogTime(name => name == "WATCHDOG_USEC" ? microseconds : process);

        Assert.Equal(seconds, (int?)time?.TotalSeconds);
    }
}
