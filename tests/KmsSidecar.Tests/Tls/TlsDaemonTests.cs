using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using KmsSidecar.Tls;
using Xunit;

namespace KmsSidecar.Tests.Tls;

/// <summary>The program with a certificate, as a process.</summary>
public sealed class TlsDaemonTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("2 hours")]
    [InlineData("-1 minute")]
    public async Task CertificateThatIsAboutToEnd_IsRenewedAtTheStart(string life)
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await OpenSsl.IssueAsync(_directory, files, life);

        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            ["--dev", "--listen", "https://localhost:0", "--tls-cert", files.Certificate, "--tls-key", files.Key, "--log-format", "text"]);

        string address = new Uri(daemon.Exported("KMS")).Authority;
        Assert.StartsWith("https://", daemon.Exported("KMS"));
        Assert.Equal(
            "ok\n",
            await OpenSsl.RunAsync($"curl -sS --cacert {_directory.PathOf("ca.pem")} --resolve kept.example:{address.Split(':')[1]}:127.0.0.1 https://kept.example:{address.Split(':')[1]}/livez"));
        Assert.Contains("rustfs::kms::tls[1011] renewed the TLS certificate", daemon.Errors);
        await OpenSsl.RunAsync($"openssl x509 -in {files.Certificate} -noout -checkend {89 * 86_400}");
    }

    [Fact]
    public async Task HalfOfARenewal_IsMendedAtTheStart()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await OpenSsl.RunAsync($"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {files.Key}");

        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            ["--dev", "--listen", "https://localhost:0", "--tls-cert", files.Certificate, "--tls-key", files.Key]);

        Assert.True(await OpenSsl.IsPairAsync(files));
    }

    [Fact]
    public async Task MissingCertificate_EndsWith66()
    {
        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(
            ["serve", "--dev", "--tls-cert", _directory.PathOf("none.pem"), "--tls-key", _directory.PathOf("none.pem")]);

        Assert.Equal(66, exitCode);
        Assert.Equal($"kms-sidecar: the certificate {_directory.PathOf("none.pem")} does not exist; make one with: kms-sidecar tls init\n", errors);
    }

    [Fact]
    public async Task Check_ReadsTheCertificate()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        string[] check =
        [
            "check", "--tls-cert", files.Certificate, "--tls-key", files.Key, "--listen", "none", "--socket", _directory.PathOf("kms.sock"),
            "--admin-socket", "none", "--state-dir", _directory.PathOf("state"),
        ];

        Assert.Equal(0, (await DaemonProcess.RunAsync(check)).ExitCode);
        await OpenSsl.IssueAsync(_directory, files, "-1 minute");
        (int exitCode, _, string errors) = await DaemonProcess.RunAsync(check);

        Assert.Equal(78, exitCode);
        Assert.Matches(
            $"^kms-sidecar: the certificate {files.Certificate} ended at [0-9-]+ [0-9:]+Z; renew it, or make another with: kms-sidecar tls init --force\n$", errors);
    }

    [Theory]
    [InlineData("h2")]
    [InlineData("http/1.1")]
    public async Task BrokenConnections_AreNotInTheLog(string protocol)
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            ["--dev", "--listen", "https://localhost:0", "--tls-cert", files.Certificate, "--tls-key", files.Key]);
        int port = new Uri(daemon.Exported("KMS")).Port;
        byte[] forged = [0x17, 3, 3, 0, 64, .. new byte[64]];
        byte[] alert = [0x15, 3, 3, 0, 2, 2, 40];
        byte[] preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

        foreach (Func<TlsClient, Task> harm in (Func<TlsClient, Task>[])
        [
            client => client.SendBeneathAsync(forged),
            client => client.SendBeneathAsync(alert),
            client => client.SendAsync(forged),
            async client =>
            {
                await client.SendAsync(preface);
                await client.SendBeneathAsync(forged);
            },
        ])
        {
            await using TlsClient client = await TlsClient.ConnectAsync(port, _directory.PathOf("ca.pem"), protocol);
            await harm(client);
            await client.ReadToEndAsync();
        }

        await using TlsClient leaver = await TlsClient.ConnectAsync(port, _directory.PathOf("ca.pem"), protocol);
        await leaver.SendAsync([.. "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"u8]);
        leaver.Reset();
        daemon.Terminate();

        Assert.Equal(0, await daemon.WaitForExitAsync());
        Assert.DoesNotContain("Microsoft", daemon.Errors);
    }
}
