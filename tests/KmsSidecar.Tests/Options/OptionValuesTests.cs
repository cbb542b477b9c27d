using System.Net;
using KmsSidecar.Options;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Options;

public sealed class OptionValuesTests
{
    [Fact]
    public void Nothing_IsTheDefaults()
    {
        DaemonOptions options = Good(Collect());

        Assert.Equal([new ListenAddress(new IPEndPoint(IPAddress.Loopback, 9020), IsTls: false)], options.Listen);
        Assert.Equal("/run/kms-sidecar/kms.sock", options.Socket);
        Assert.Equal("/run/kms-sidecar/admin.sock", options.AdminSocket);
        Assert.Equal((UnixFileMode)0b110_110_000, options.SocketMode);
        Assert.Equal("/var/lib/kms-sidecar", options.StateDirectory);
        Assert.Equal(["us-east-1"], options.Regions);
        Assert.Equal((LogFormat.Auto, LogLevel.Information, false), (options.LogFormat, options.LogLevel, options.Development));
        Assert.Empty(options.AllowUids);
        Assert.Null(options.SocketGroup);
    }

    [Fact]
    public void Flag_IsOverEnvironmentOverFile()
    {
        (string, string)[] environment = [("KMS_SIDECAR_STATE_DIR", "/environment"), ("KMS_SIDECAR_LOG_LEVEL", "debug")];
        string[] file = ["state_dir = /file", "log_level=error", "log_format = json"];

        DaemonOptions options = Good(Collect([("state-dir", "/flag")], environment, file));

        Assert.Equal("/flag", options.StateDirectory);
        Assert.Equal(LogLevel.Debug, options.LogLevel);
        Assert.Equal(LogFormat.Json, options.LogFormat);
    }

    [Fact]
    public void Credential_StandsForAFileThatIsNotGiven()
    {
        Assert.Equal("/credentials/credentials", Good(Collect(credential: "credentials")).CredentialsFile);
        Assert.Equal("/credentials/users", Good(Collect(credential: "users")).UsersFile);
        Assert.Equal("/credentials/static-key", Good(Collect(credential: "static-key")).StaticKeyFile);
        Assert.Equal("/file", Good(Collect(file: ["users_file = /file"], credential: "users")).UsersFile);
        Assert.Equal("/environment", Good(Collect(environment: [("KMS_SIDECAR_USERS_FILE", "/environment")], credential: "users")).UsersFile);
        Assert.Equal("/flag", Good(Collect([("users-file", "/flag")], credential: "users")).UsersFile);
    }

    [Fact]
    public void CertificateFromACredential_IsTlsAndNeedsItsKey()
    {
        DaemonOptions options = Good(Collect([("tls-key", "/k.pem")], credential: "tls-cert"));
        Assert.True(Assert.Single(options.Listen).IsTls);
        Assert.Equal("/credentials/tls-cert", options.TlsCertificate);

        OptionValues values = Collect(credential: "tls-cert");
        DaemonOptions.From(values);
        Assert.Equal("systemd credential tls-cert: --tls-key is missing; the two belong together", Assert.Single(values.Faults));
    }

    [Fact]
    public void RustFsCredential_WithoutRustFs_IsNoFault() => Assert.Null(Good(Collect(credential: "rustfs-credentials")).RustFs);

    [Fact]
    public void RepeatableOption_TakesAllOfTheUppermostSource()
    {
        string[] file = ["region = a", "region = b", "allow_uid = 7"];

        DaemonOptions options = Good(Collect([("allow-gid", "1"), ("allow-gid", "2")], [("KMS_SIDECAR_ALLOW_UID", "3, 4,5")], file));

        Assert.Equal(["a", "b"], options.Regions);
        Assert.Equal([3u, 4u, 5u], options.AllowUids);
        Assert.Equal([1u, 2u], options.AllowGids);
    }

    [Fact]
    public void SwitchAsFalse_TakesItBack()
    {
        Assert.True(Good(Collect(file: ["dev = on"])).Development);
        Assert.False(Good(Collect([("dev", "false")], [("KMS_SIDECAR_DEV", "true")], ["dev = on"])).Development);
    }

    [Fact]
    public void Choices_AreWhatIsTaken()
    {
        DaemonOption[] options = [.. DaemonOption.All.Where(static option => !option.Choices.IsEmpty)];

        Assert.NotEmpty(options);
        Assert.All(options, static option => Assert.All([option.Default, .. option.Choices], choice => Good(Collect([(option.Name, choice)]))));
        Assert.All(options, static option => Assert.Contains(option.Default, option.Choices));
        Assert.All(options, static option =>
        {
            OptionValues values = Collect([(option.Name, "other")]);
            DaemonOptions.From(values);
            Assert.All(option.Choices, choice => Assert.Contains(choice, Assert.Single(values.Faults), StringComparison.Ordinal));
        });
    }

    [Fact]
    public void EmptyVariable_CountsAsNone() =>
        Assert.Equal("/file", Good(Collect(environment: [("KMS_SIDECAR_STATE_DIR", "")], file: ["state_dir = /file"])).StateDirectory);

    [Fact]
    public void CommentsAndEmptyLines_AreSkipped() =>
        Assert.Equal("/x=y", Good(Collect(file: ["# comment", "", "   ", "  state_dir = /x=y  "])).StateDirectory);

    [Fact]
    public void EveryFault_IsNamedWithItsPlace()
    {
        OptionValues values = Collect(
            [("socket-mode", "9"), ("listen", "here")],
            [("KMS_SIDECAR_LOG_LEVEL", "loud")],
            ["state_dir = relative", "colour = red", "no equals sign", "allow_uid = 1", "allow_uid = root", "log_format ="]);

        DaemonOptions.From(values);

        Assert.Equal(
            [
                "/etc/test.conf, line 2: there is no setting 'colour'",
                "/etc/test.conf, line 3: not of the form name = value",
                "/etc/test.conf, line 6: log_format = : the value is empty",
                "--listen here: expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020",
                "--socket-mode 9: expected an octal mode such as 0660",
                "/etc/test.conf, line 5: allow_uid = root: expected a number; `id NAME` shows it",
                "/etc/test.conf, line 1: state_dir = relative: expected an absolute path",
                "/etc/test.conf, line 6: log_format = : expected auto, text or json",
                "KMS_SIDECAR_LOG_LEVEL=loud: expected debug, info, warning or error",
            ],
            values.Faults);
    }

    [Theory]
    [InlineData("socket-mode", "", "the value is empty")]
    [InlineData("socket-mode", "00660", "expected an octal mode such as 0660")]
    [InlineData("socket-mode", "1777", "expected an octal mode such as 0660")]
    [InlineData("socket-mode", "-1", "expected an octal mode such as 0660")]
    [InlineData("socket-mode", "rw", "expected an octal mode such as 0660")]
    [InlineData("socket-group", "no-such-group", "there is no such group")]
    [InlineData("admin-group", "", "the value is empty")]
    [InlineData("allow-uid", "-1", "expected a number; `id NAME` shows it")]
    [InlineData("allow-uid", "4294967296", "expected a number; `id NAME` shows it")]
    [InlineData("listen", "127.0.0.1", "expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020")]
    [InlineData("listen", "127.0.0.1:65536", "expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020")]
    [InlineData("listen", "example.org:80", "expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020")]
    [InlineData("listen", "0.0.0.0:9020", "plain HTTP is for loopback only; --tls-cert and --tls-key bring TLS, --insecure-http allows plain HTTP here")]
    [InlineData("listen", "https://127.0.0.1:9020", "https:// needs --tls-cert and --tls-key; make a certificate with: kms-sidecar tls init")]
    [InlineData("listen", "https://localhost", "expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020")]
    [InlineData("tls-cert", "/c.pem", "--tls-key is missing; the two belong together")]
    [InlineData("tls-key", "/k.pem", "--tls-cert is missing; the two belong together")]
    [InlineData("insecure-http", "maybe", "expected on or off")]
    [InlineData("socket", "kms.sock", "expected an absolute path")]
    [InlineData("log-format", "xml", "expected auto, text or json")]
    [InlineData("credentials-file", " ", "the value is empty")]
    public void FaultyValue_IsRefusedInWords(string option, string text, string why)
    {
        OptionValues values = Collect([(option, text)]);

        DaemonOptions.From(values);

        Assert.Equal($"--{option} {text}: {why}", values.Faults[0]);
    }

    [Theory]
    [InlineData("127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("http://127.0.0.1:80", "127.0.0.1:80")]
    [InlineData("localhost:9020", "127.0.0.1:9020")]
    [InlineData("[::1]:9020", "[::1]:9020")]
    [InlineData("127.8.9.10:1", "127.8.9.10:1")]
    public void LoopbackAddress_IsTaken(string text, string address) =>
        Assert.Equal([new ListenAddress(IPEndPoint.Parse(address), IsTls: false)], Good(Collect([("listen", text)])).Listen);

    [Theory]
    [InlineData("127.0.0.1:1", true)]
    [InlineData("0.0.0.0:1", true)]
    [InlineData("https://[::]:1", true)]
    [InlineData("https://localhost:1", true)]
    [InlineData("http://localhost:1", false)]
    public void WithACertificate_AnAddressIsTlsUnlessItSaysOtherwise(string text, bool isTls)
    {
        DaemonOptions options = Good(Collect([("listen", text), ("tls-cert", "/c.pem"), ("tls-key", "/k.pem")]));

        Assert.Equal(isTls, Assert.Single(options.Listen).IsTls);
        Assert.Equal(("/c.pem", "/k.pem"), (options.TlsCertificate, options.TlsKey));
    }

    [Fact]
    public void WithACertificate_TheDefaultAddressIsTls() =>
        Assert.True(Assert.Single(Good(Collect([("tls-cert", "/c.pem"), ("tls-key", "/k.pem")])).Listen).IsTls);

    [Fact]
    public void OtherAddresses_AreTakenWhenAskedFor() =>
        Assert.Equal(2, Good(Collect([("listen", "0.0.0.0:1"), ("listen", "[::]:2"), ("insecure-http", "true")])).Listen.Length);

    [Fact]
    public void None_ClosesADoor()
    {
        DaemonOptions options = Good(Collect([("listen", "none"), ("admin-socket", "none")]));

        Assert.Empty(options.Listen);
        Assert.Null(options.AdminSocket);
    }

    [Fact]
    public void NoneBesideAnAddress_IsAFault() =>
        Assert.Single(Faults([("listen", "none"), ("listen", "127.0.0.1:1")]), "--listen none: expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020");

    [Fact]
    public void SingleOption_GivenTwice_IsAFault() =>
        Assert.Single(Faults([("state-dir", "/a"), ("state-dir", "/b")]), "--state-dir /b: given 2 times; it takes one value");

    [Fact]
    public void OnePathForBothSockets_IsAFault() =>
        Assert.Single(Faults([("socket", "/x"), ("admin-socket", "/x")]), "--socket and --admin-socket are both /x");

    [Fact]
    public void SocketPath_IsAsLongAsTheKernelTakes()
    {
        string longest = "/" + new string('s', 106);
        Assert.Equal(longest, Good(Collect([("socket", longest)])).Socket);

        Assert.Single(Faults([("socket", longest + "s")]), $"--socket {longest}s: the path is longer than 107 bytes");
    }

    [Fact]
    public void Group_IsTakenByNameAndNumber()
    {
        DaemonOptions options = Good(Collect([("socket-group", "root"), ("admin-group", "4242")]));

        Assert.Equal((0u, 4242u), (options.SocketGroup, options.AdminGroup));
    }

    [Fact]
    public void Names_AreOneSet() => Assert.All(DaemonOption.All, static option =>
    {
        Assert.Equal(option.FileKey.ToUpperInvariant(), option.EnvironmentVariable["KMS_SIDECAR_".Length..]);
        Assert.Equal(option.FileKey, option.Flag[2..].Replace('-', '_'));
        Assert.NotEmpty(option.Help);
    });

    private static IReadOnlyList<string> Faults((string Name, string Text)[] flags)
    {
        OptionValues values = Collect(flags);
        DaemonOptions.From(values);
        return values.Faults;
    }

    private static DaemonOptions Good(OptionValues values)
    {
        DaemonOptions options = DaemonOptions.From(values);
        Assert.Empty(values.Faults);
        return options;
    }

    private static OptionValues Collect(
        (string Name, string Text)[]? flags = null, (string Name, string Text)[]? environment = null, string[]? file = null, string? credential = null) => OptionValues.Collect(
        option => [.. (flags ?? []).Where(flag => flag.Name == option.Name).Select(static flag => flag.Text)],
        name => (environment ?? []).FirstOrDefault(variable => variable.Name == name).Text,
        "/etc/test.conf",
        file ?? [],
        name => name == credential ? $"/credentials/{name}" : null);
}
