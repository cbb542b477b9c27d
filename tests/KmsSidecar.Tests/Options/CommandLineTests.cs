using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Options;

/// <summary>The program's command line, run as a process.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Help_NamesEveryCommandAndOption()
    {
        (int rootExit, string root, _) = await DaemonProcess.RunAsync(["--help"]);
        (int serveExit, string serve, _) = await DaemonProcess.RunAsync(["serve", "--help"]);

        Assert.Equal((0, 0), (rootExit, serveExit));
        Assert.Contains("serve", root);
        Assert.Contains("check", root);
        Assert.Contains("--config", serve);
        Assert.All(DaemonOption.All, option =>
        {
            Assert.Contains(option.Flag, serve);
            Assert.True(option.ValueName is null || serve.Contains(option.ValueName), option.Flag);
        });
    }

    [Theory]
    [InlineData]
    [InlineData("nope")]
    [InlineData("serve", "--nope")]
    [InlineData("serve", "--state-dir")]
    [InlineData("serve", "stray")]
    public async Task WrongUsage_EndsWith64(params string[] arguments) => Assert.Equal(64, (await DaemonProcess.RunAsync(arguments)).ExitCode);

    [Fact]
    public async Task Check_OfGoodSettings_EndsWith0AndMakesNothing()
    {
        string config = Write("good.conf", $"log_level = debug\nsocket = {_directory.PathOf("kms.sock")}\nadmin_socket = none\nlisten = 127.0.0.1:0\n");

        (int exitCode, string output, string errors) = await DaemonProcess.RunAsync(
            ["check", "--config", config, "--state-dir", _directory.PathOf("state")]);

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.StartsWith("good: clock, ", output);
        Assert.Contains(
            $"""

            good: state directory {_directory.PathOf("state")}, which will be made
            good: master key: will be generated
            good: socket {_directory.PathOf("kms.sock")}
            good: address 127.0.0.1:0
            good: ciphers of 
            """,
            output);
        Assert.EndsWith("\nthe settings are good\n", output);
        Assert.Equal([config], Directory.GetFileSystemEntries(_directory.FullPath));
    }

    [Fact]
    public async Task Check_BesideTheDaemon_NamesItAndDisturbsNothing()
    {
        string[] settings =
        [
            "--socket", _directory.PathOf("kms.sock"), "--admin-socket", _directory.PathOf("admin.sock"), "--state-dir", _directory.PathOf("state"),
            "--listen", "none",
        ];
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(settings);

        (int exitCode, string output, string errors) = await DaemonProcess.RunAsync(["check", .. settings]);

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains($"good: state directory {_directory.PathOf("state")}, which the running daemon has (process ", output);
        Assert.Contains($"good: {_directory.PathOf("kms.sock")}, which the running daemon has\n", output);
    }

    [Fact]
    public async Task Check_OfBadSettings_NamesThemAllAndEndsWith78()
    {
        string config = Write("bad.conf", "log_level = debug\n\ncolour = red\nsocket_mode = 9\n");

        (int exitCode, string output, string errors) = await DaemonProcess.RunAsync(
            ["check", "--config", config, "--listen", "here"], ("KMS_SIDECAR_ALLOW_UID", "root"));

        Assert.Equal((78, ""), (exitCode, output));
        Assert.Equal(
            $"""
            kms-sidecar: {config}, line 3: there is no setting 'colour'
            kms-sidecar: --listen here: expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020
            kms-sidecar: {config}, line 4: socket_mode = 9: expected an octal mode such as 0660
            kms-sidecar: KMS_SIDECAR_ALLOW_UID=root: expected a number; `id NAME` shows it

            """,
            errors);
    }

    [Fact]
    public async Task Check_ReadsTheFilesThatSettingsName()
    {
        string masterKey = Write("master.key", "too short\n");

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(
            ["check", "--master-key-file", masterKey, "--credentials-file", _directory.PathOf("nowhere")]);

        Assert.Equal(66, exitCode);
        Assert.Contains($"the credentials file {_directory.PathOf("nowhere")} does not exist", errors);
        Assert.Contains($"{masterKey} ", errors);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("check")]
    public async Task MissingConfigFile_EndsWith66(string command)
    {
        string missing = _directory.PathOf("missing.conf");

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync([command, "--config", missing]);

        Assert.Equal(66, exitCode);
        Assert.Equal($"kms-sidecar: cannot read {missing}: it does not exist; write it, or name another with --config", errors.TrimEnd());
    }

    [Fact]
    public async Task SwitchOnTheCommandLine_IsOverTheEnvironment()
    {
        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(
            ["check", "--listen", "0.0.0.0:1", "--insecure-http", "false"], ("KMS_SIDECAR_INSECURE_HTTP", "on"));

        Assert.Equal(78, exitCode);
        Assert.Contains("plain HTTP is for loopback only", errors);
    }

    private string Write(string name, string content)
    {
        File.WriteAllText(_directory.PathOf(name), content);
        File.SetUnixFileMode(_directory.PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return _directory.PathOf(name);
    }
}
