using KmsSidecar.Options;
using Xunit;

namespace KmsSidecar.Tests.Options;

public sealed class RustFsOptionsTests
{
    [Fact]
    public void Endpoints_AreTaken()
    {
        (RustFsOptions? options, IReadOnlyList<string> faults) = Read(
            "rustfs_endpoint = http://[::1]:9000", "rustfs_kms_endpoint = https://localhost:9021", "rustfs_ca_file = /ca.pem");

        Assert.Empty(faults);
        Assert.Equal((9000, 9021, "/ca.pem", null), (options!.Endpoint.Port, options.KmsEndpoint.Port, options.CaFile, options.CredentialsFile));
    }

    [Fact]
    public void None_IsNoFollowing()
    {
        (RustFsOptions? options, IReadOnlyList<string> faults) = Read();

        Assert.Null(options);
        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("https://127.0.0.1:9021", "https://localhost:9021/")]
    [InlineData("https://[::]:9021", "https://localhost:9021/")]
    [InlineData("https://10.0.0.7:9021", "https://10.0.0.7:9021/")]
    [InlineData("https://[2001:db8::7]:9021", "https://[2001:db8::7]:9021/")]
    public void OurEndpoint_IsTheFirstListenerWithTls(string listen, string expected)
    {
        (RustFsOptions? options, IReadOnlyList<string> faults) = Read(
            "rustfs_endpoint = https://rustfs:9000", "listen = http://127.0.0.1:9020", $"listen = {listen}", "listen = https://127.0.0.1:9999",
            "tls_cert = /c", "tls_key = /k");

        Assert.Empty(faults);
        Assert.Equal(expected, options!.KmsEndpoint.AbsoluteUri);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9020")]
    [InlineData("https://127.0.0.1:0")]
    public void WithoutAListenerThatRustFsCanReach_TheFaultNamesTheFlag(string listen)
    {
        (_, IReadOnlyList<string> faults) = Read("rustfs_endpoint = https://rustfs:9000", $"listen = {listen}", "tls_cert = /c", "tls_key = /k");

        Assert.Equal(
            [
                "/etc/test.conf, line 1: rustfs_endpoint = https://rustfs:9000: RustFS reaches this daemon over TLS only: "
                + "add --listen https://ADDR:PORT, or say where with --rustfs-kms-endpoint",
            ],
            faults);
    }

    [Theory]
    [InlineData("http://rustfs:9000", "plain HTTP is for loopback only; use https:// here")]
    [InlineData("http://127.0.0.1.example:9000", "plain HTTP is for loopback only; use https:// here")]
    [InlineData("rustfs:9000", "expected http(s)://HOST:PORT and nothing behind it")]
    [InlineData("https://user:word@rustfs:9000", "expected http(s)://HOST:PORT and nothing behind it")]
    [InlineData("https://rustfs:9000/path", "expected http(s)://HOST:PORT and nothing behind it")]
    [InlineData("https://rustfs:9000?q", "expected http(s)://HOST:PORT and nothing behind it")]
    [InlineData("ftp://rustfs", "expected http(s)://HOST:PORT and nothing behind it")]
    public void WrongEndpoint_IsRefused(string endpoint, string expected)
    {
        (_, IReadOnlyList<string> faults) = Read($"rustfs_endpoint = {endpoint}", "rustfs_kms_endpoint = https://localhost:9021");

        Assert.Equal([$"/etc/test.conf, line 1: rustfs_endpoint = {endpoint}: {expected}"], faults);
    }

    [Fact]
    public void PlainHttpToThisDaemon_IsRefused_AsRustFsWould()
    {
        (_, IReadOnlyList<string> faults) = Read("rustfs_endpoint = https://rustfs:9000", "rustfs_kms_endpoint = http://localhost:9020");

        Assert.EndsWith("RustFS takes https:// only", Assert.Single(faults));
    }

    [Fact]
    public void SettingsWithoutAnEndpoint_AreRefused()
    {
        (_, IReadOnlyList<string> faults) = Read("rustfs_ca_file = /ca.pem", "rustfs_kms_endpoint = https://localhost:9021");

        Assert.Equal(2, faults.Count);
        Assert.All(faults, static fault => Assert.Contains("--rustfs-endpoint does not say where RustFS is", fault));
    }

    private static (RustFsOptions? Options, IReadOnlyList<string> Faults) Read(params string[] file)
    {
        OptionValues values = OptionValues.Collect(static _ => [], static _ => null, "/etc/test.conf", file, static _ => null);
        return (DaemonOptions.From(values).RustFs, values.Faults);
    }
}
