using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Tls;

/// <summary><c>tls init</c> as a process; OpenSSL says what it made.</summary>
public sealed class TlsInitTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Target => _directory.PathOf("tls");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Files_AreACaAndAServerCertificate()
    {
        (int exitCode, string output, string errors) = await InitAsync("--name", "kms.example", "--name", "10.1.2.3", "--name", "*.kms.example");

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains($"--tls-cert {Target}/server.pem --tls-key {Target}/server-key.pem", output);
        Assert.Equal($"{Target}/server.pem: OK\n", await OpenSsl.RunAsync($"openssl verify -x509_strict -purpose sslserver -CAfile {Target}/ca.pem {Target}/server.pem"));
        string ca = await OpenSsl.RunAsync($"openssl x509 -in {Target}/ca.pem -noout -text");
        Assert.Matches(@"Basic Constraints: critical\s+CA:TRUE, pathlen:0\s", ca);
        Assert.Matches(@"Key Usage: critical\s+Certificate Sign, CRL Sign\s", ca);
        string server = await OpenSsl.RunAsync($"openssl x509 -in {Target}/server.pem -noout -text");
        Assert.Matches(@"Basic Constraints: critical\s+CA:FALSE\s", server);
        Assert.Matches(@"Extended Key Usage:\s+TLS Web Server Authentication\s", server);
        Assert.Contains("ASN1 OID: prime256v1", server);
        Assert.Contains(
            "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:kms.example, IP Address:10.1.2.3, DNS:*.kms.example", server);
        Assert.Equal("2", (await OpenSsl.RunAsync($"grep -c BEGIN {Target}/server.pem")).Trim());
        foreach ((string name, int days) in ((string, int)[])[("ca", 3652), ("server", 90)])
        {
            // It began an hour ago, and has ended a day after its last.
            await OpenSsl.RunAsync($"openssl verify -attime $(date -d '-50 minutes' +%s) -CAfile {Target}/ca.pem {Target}/{name}.pem");
            await OpenSsl.RunAsync($"openssl x509 -in {Target}/{name}.pem -noout -checkend {(days - 1) * 86_400}");
            Assert.Equal(1, (await OpenSsl.TryAsync($"openssl x509 -in {Target}/{name}.pem -noout -checkend {(days + 2) * 86_400}")).ExitCode);
        }
    }

    [Fact]
    public async Task Keys_AreTheOwnersAlone()
    {
        await InitAsync();

        Assert.Equal(
            "755 tls\n600 tls/ca-key.pem\n644 tls/ca.pem\n600 tls/server-key.pem\n644 tls/server.pem\n",
            await OpenSsl.RunAsync($"cd {_directory.FullPath} && stat -c '%a %n' tls tls/*"));
    }

    [Fact]
    public async Task Again_IsRefusedWithoutForce()
    {
        await InitAsync();
        string before = await OpenSsl.SerialAsync($"{Target}/ca.pem");

        (int exitCode, _, string errors) = await InitAsync();
        (int forced, _, _) = await InitAsync("--force");

        Assert.Equal((73, 0), (exitCode, forced));
        Assert.Equal(
            $"kms-sidecar: {Target}/ca.pem exists already; --force replaces the CA and the server certificate, and every client must then be given the new ca.pem\n",
            errors);
        Assert.NotEqual(before, await OpenSsl.SerialAsync($"{Target}/ca.pem"));
        await OpenSsl.RunAsync($"openssl verify -CAfile {Target}/ca.pem {Target}/server.pem");
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("-x.example")]
    [InlineData("a..b")]
    [InlineData("1.2.3")]
    [InlineData("*")]
    [InlineData("a,DNS:b")]
    public async Task BadName_IsRefused(string name)
    {
        (int exitCode, _, string errors) = await InitAsync($"--name={name}");

        Assert.Equal((64, $"kms-sidecar: --name {name}: expected a host name or an address\n"), (exitCode, errors));
        Assert.False(Directory.Exists(Target));
    }

    [Fact]
    public async Task Root_GivesThemToTheOwnerOfTheDirectory()
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root can give files away");
        await OpenSsl.RunAsync($"chmod 755 {_directory.FullPath} && mkdir {_directory.PathOf("service")} && chown 4321:8765 {_directory.PathOf("service")}");

        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(["tls", "init", "--dir", _directory.PathOf("service/tls")]);

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Equal(
            "4321:8765\n", await OpenSsl.RunAsync($"find {_directory.PathOf("service/tls")} -printf '%U:%G\\n' | sort -u"));
    }

    [Fact]
    public async Task DirectoryThatOthersCannotEnter_IsNamed()
    {
        (_, string output, _) = await InitAsync();

        Assert.Contains($"install -D -m 644 {Target}/ca.pem /etc/kms-sidecar/ca.pem      (others cannot enter {_directory.FullPath})", output);
    }

    private Task<(int ExitCode, string Output, string Errors)> InitAsync(params string[] flags) =>
        DaemonProcess.RunAsync(["tls", "init", "--dir", Target, .. flags]);
}
