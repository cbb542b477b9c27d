using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>SIGHUP: what is taken at once, what is left for a restart, and what is refused.</summary>
public sealed class ReloadTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly NotifySocket _manager = new();

    private string[] Arguments =>
    [
        "--config", _directory.PathOf("conf"), "--listen", "none", "--socket", _directory.PathOf("kms.sock"),
        "--admin-socket", _directory.PathOf("admin.sock"), "--state-dir", _directory.PathOf("state"), "--log-format", "text",
    ];

    public void Dispose()
    {
        _manager.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task LogLevel_ChangesAtOnce()
    {
        await using DaemonProcess daemon = await ServeAsync("log_level = info\n");
        using ApiClient data = ApiClient.OverUnix(_directory.PathOf("kms.sock"));

        await ReloadAsync(daemon, "log_level = debug\n");
        _ = await data.PostAsync("/v1/decrypt", "{}");

        await daemon.WaitForErrorAsync("log level is Debug and was Information");
        await daemon.WaitForErrorAsync("POST /v1/decrypt refused");
        await daemon.WaitForErrorAsync("root credentials and users file read again");
        Assert.DoesNotContain("restart", daemon.Errors);
    }

    [Fact]
    public async Task OtherSettings_AreNamedOnce()
    {
        await using DaemonProcess daemon = await ServeAsync("region = us-east-1\nallow_presigned = off\n");

        await ReloadAsync(daemon, "region = eu-west-1\nregion = us-east-1\nallow_immediate_deletion = on\nlog_level = info\nsocket_mode = 0600\n");

        await daemon.WaitForErrorAsync(
            "changed, but only a restart brings it into effect: socket_mode region allow_immediate_deletion");
    }

    [Fact]
    public async Task FaultyFile_ChangesNothing()
    {
        await using DaemonProcess daemon = await ServeAsync("log_level = info\n");

        await ReloadAsync(daemon, "log_level = debug\nregion = \nno_such = 1\n");

        string conf = _directory.PathOf("conf");
        await daemon.WaitForErrorAsync(
            $"reload refused, the former settings, credentials and users stay: {conf}, line 3: there is no setting 'no_such'; {conf}, line 2: region = : the value is empty");
        Assert.DoesNotContain("log level is", daemon.Errors);
        Assert.DoesNotContain("read again", daemon.Errors);
    }

    [Fact]
    public async Task MissingFile_ChangesNothing()
    {
        await using DaemonProcess daemon = await ServeAsync("log_level = info\n");
        File.Delete(_directory.PathOf("conf"));

        daemon.HangUp();

        await daemon.WaitForErrorAsync($"cannot read {_directory.PathOf("conf")}");
        await _manager.NextAsync("READY=1");
    }

    private async Task<DaemonProcess> ServeAsync(string settings)
    {
        File.WriteAllText(_directory.PathOf("conf"), settings);
        DaemonProcess daemon = await DaemonProcess.ServeAsync(Arguments, _manager.Variable);
        await _manager.NextAsync("READY=1");
        return daemon;
    }

    private async Task ReloadAsync(DaemonProcess daemon, string settings)
    {
        File.WriteAllText(_directory.PathOf("conf"), settings);
        daemon.HangUp();
        await _manager.NextAsync("RELOADING=1");
        await _manager.NextAsync("READY=1");
    }
}
