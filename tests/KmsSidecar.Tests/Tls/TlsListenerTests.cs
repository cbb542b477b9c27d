using System.Diagnostics;
using System.Net;
using KmsSidecar.Api;
using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using KmsSidecar.Tls;
using Xunit;

namespace KmsSidecar.Tests.Tls;

/// <summary>The TLS door, tried by curl and by OpenSSL's client.</summary>
public sealed class TlsListenerTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Authority => _directory.PathOf("ca.pem");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("--http2", "2")]
    [InlineData("--http1.1", "1.1")]
    public async Task SignedRequests_AreAnswered(string flag, string version)
    {
        await using TestHost host = await StartAsync(OpenSsl.Init(_directory, DateTimeOffset.UtcNow));

        foreach (string request in (string[])["", "-d {} -X POST"])
        {
            string path = request.Length == 0 ? "status?x=a%20b" : "clear-cache";
            string answer = await OpenSsl.RunAsync(
                $"curl -sS {flag} --cacert {Authority} --aws-sigv4 aws:amz:us-east-1:s3 -u {TestHost.AccessKey}:{TestHost.Secret} {request} "
                + $"-w '\\n%{{http_version}} %{{http_code}}' '{Local(host)}{TestHost.Kms}/{path}'");
            Assert.Matches($"\n{version} (200|503)$", answer);
        }

        Assert.EndsWith(
            $"{version} 403", await OpenSsl.RunAsync($"curl -sS {flag} --cacert {Authority} -w '%{{http_version}} %{{http_code}}' {Local(host)}{TestHost.Kms}/status"));
    }

    [Fact]
    public async Task PlainAndTls_StandSideBySide()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await using TestHost host = await TestHost.StartAsync(options => With(options, files) with
        {
            Listen = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), IsTls: false), new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), IsTls: true)],
        });

        string[] addresses = [.. host.Host.Addresses];

        Assert.Equal(["http", "https"], addresses[..2].Select(static address => new Uri(address).Scheme));
        (await host.Tcp.GetAsync($"{TestHost.Kms}/status")).Expect(200);
        Assert.Equal("ok\n1.1", await OpenSsl.RunAsync($"curl -sS --http2 -w '%{{http_version}}' {addresses[0]}/livez"));
        Assert.Equal("ok\n2", await OpenSsl.RunAsync($"curl -sS --cacert {Authority} -w '%{{http_version}}' {addresses[1]}/livez"));
        PrometheusText metrics = PrometheusText.Parse((await host.Tcp.GetAsync("/metrics")).Expect(200).Text);
        Assert.InRange(
            metrics.Samples["kms_sidecar_tls_certificate_not_after_timestamp_seconds"], DateTimeOffset.UtcNow.AddDays(89).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.AddDays(91).ToUnixTimeSeconds());
    }

    [Theory]
    [InlineData("-tls1", null)]
    [InlineData("-tls1_1", null)]
    [InlineData("-tls1_2", "TLSv1.2")]
    [InlineData("-tls1_3", "TLSv1.3")]
    public async Task Versions_BelowTls12AreRefused(string flag, string? version)
    {
        await using TestHost host = await StartAsync(OpenSsl.Init(_directory, DateTimeOffset.UtcNow));

        // At this level OpenSSL offers the old versions.
        (_, string output) = await OpenSsl.TryAsync(
            $"openssl s_client {flag} -cipher DEFAULT@SECLEVEL=0 -connect localhost:{host.Address.Port} -CAfile {Authority} -verify_return_error");

        Assert.Contains(version is null ? "Cipher is (NONE)" : $"New, {version}, Cipher is", output);
        Assert.Equal(version is null, output.Contains("alert protocol version"));
    }

    [Fact]
    public async Task Intermediates_AreSent()
    {
        TlsFiles files = new(_directory.PathOf("server.pem"), _directory.PathOf("server-key.pem"));
        await OpenSsl.RunAsync($"""
            cd {_directory.FullPath}
            new() @@ openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1 -keyout $1-key.pem -out $1.csr; ##
            printf 'basicConstraints=critical,CA:TRUE\n' >ca.ext
            printf 'subjectAltName=DNS:localhost\n' >server.ext
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=root -keyout root-key.pem -out ca.pem
            new middle; openssl x509 -req -in middle.csr -CA ca.pem -CAkey root-key.pem -extfile ca.ext -out middle.pem
            new server; openssl x509 -req -in server.csr -CA middle.pem -CAkey middle-key.pem -extfile server.ext -out leaf.pem
            cat leaf.pem middle.pem >server.pem
            """.Replace("@@", "{").Replace("##", "}"));
        await using TestHost host = await StartAsync(files);

        Assert.Equal("ok\n", await OpenSsl.RunAsync($"curl -sS --cacert {Authority} {Local(host)}/livez"));
        Assert.Equal(
            "2", (await OpenSsl.RunAsync($"openssl s_client -showcerts -connect localhost:{host.Address.Port} 2>/dev/null | grep -c BEGIN")).Trim());
    }

    [Fact]
    public async Task OpenConnections_GoOnAfterAChange_AndNewOnesGetTheNewCertificate()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await using TestHost host = await StartAsync(files);
        await using TlsClient old = await TlsClient.ConnectAsync(host.Address.Port, Authority);
        Assert.Equal(await OpenSsl.SerialAsync(files.Certificate), old.Serial);

        OpenSsl.Reissue(_directory, files);
        string next = await OpenSsl.SerialAsync(files.Certificate);
        await WaitForAsync(host, next);

        Assert.Equal("HTTP/1.1 200 OK", await old.GetAsync("/livez"));
        await using TlsClient young = await TlsClient.ConnectAsync(host.Address.Port, Authority);
        Assert.Equal((next, "HTTP/1.1 200 OK"), (young.Serial, await young.GetAsync("/livez")));
    }

    [Fact]
    public async Task ChangesUnderLoad_BreakNoHandshake()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await using TestHost host = await StartAsync(files);
        using CancellationTokenSource end = new();
        Task<int>[] clients = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            int count = 0;
            for (; !end.IsCancellationRequested; count++)
            {
                await using TlsClient client = await TlsClient.ConnectAsync(host.Address.Port, Authority);
                Assert.Equal("HTTP/1.1 200 OK", await client.GetAsync("/livez"));
            }

            return count;
        }))];

        for (int i = 0; i < 3; i++)
        {
            OpenSsl.Reissue(_directory, files);
            await WaitForAsync(host, await OpenSsl.SerialAsync(files.Certificate));
        }

        await end.CancelAsync();
        Assert.All(await Task.WhenAll(clients), static count => Assert.True(count > 0));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001")]
    public async Task WhatIsNoHandshake_IsCutAndDoesNoHarm(string sent)
    {
        await using TestHost host = await StartAsync(
            OpenSsl.Init(_directory, DateTimeOffset.UtcNow), ConnectionLimits.Default with { Handshake = TimeSpan.FromSeconds(1) });

        using RawConnection connection = await RawConnection.OpenAsync(host.TcpEndPoint);
        await connection.SendAsync(sent);

        Assert.Null(await connection.ReadAsync());
        Assert.Equal("ok\n", await OpenSsl.RunAsync($"curl -sS --cacert {Authority} {Local(host)}/livez"));
    }

    [Fact]
    public async Task SilentConnection_IsCut()
    {
        await using TestHost host = await StartAsync(
            OpenSsl.Init(_directory, DateTimeOffset.UtcNow), ConnectionLimits.Default with { Handshake = TimeSpan.FromSeconds(1) });

        using RawConnection connection = await RawConnection.OpenAsync(host.TcpEndPoint);

        Assert.Null(await connection.ReadAsync());
    }

    [Fact]
    public async Task SilentConnection_DoesNotHoldUpTheEnd()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            ["--dev", "--listen", "https://localhost:0", "--tls-cert", files.Certificate, "--tls-key", files.Key]);
        using RawConnection connection = await RawConnection.OpenAsync(new IPEndPoint(IPAddress.Loopback, new Uri(daemon.Exported("KMS")).Port));
        await using TlsClient idle = await TlsClient.ConnectAsync(new Uri(daemon.Exported("KMS")).Port, Authority);

        daemon.Terminate();

        Assert.Null(await connection.ReadAsync());
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    [Fact]
    public async Task BodyThatDoesNotCome_EndsItsStreamAlone()
    {
        await using TestHost host = await StartAsync(
            OpenSsl.Init(_directory, DateTimeOffset.UtcNow), ConnectionLimits.Default with { Body = TimeSpan.FromSeconds(1) });

        string answer = await OpenSsl.RunAsync(
            $"(printf x; sleep 3) | curl -sS --http2 --cacert {Authority} --aws-sigv4 aws:amz:us-east-1:s3 -u {TestHost.AccessKey}:{TestHost.Secret} "
            + $"-o /dev/null -w '%{{http_version}} %{{http_code}}' -X POST -T - {Local(host)}{TestHost.Kms}/clear-cache");

        Assert.Equal("2 408", answer);
    }

    [Fact]
    public async Task ManyStreamsOfOneConnection_AreAnswered()
    {
        await using TestHost host = await StartAsync(OpenSsl.Init(_directory, DateTimeOffset.UtcNow));

        string answer = await OpenSsl.RunAsync(
            $"curl -sS --http2 --cacert {Authority} --parallel --parallel-immediate -w '%{{http_version}} %{{http_code}} %{{num_connects}}\\n' "
            + $"'{Local(host)}/livez?[1-300]' 2>/dev/null | grep -c '^2 200'");

        Assert.Equal("300", answer.Trim());
    }

    private static DaemonOptions With(DaemonOptions options, TlsFiles files) => options with
    {
        Listen = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), IsTls: true)],
        TlsCertificate = files.Certificate,
        TlsKey = files.Key,
    };

    private static Task<TestHost> StartAsync(TlsFiles files, ConnectionLimits? limits = null) =>
        TestHost.StartAsync(options => With(options, files), limits);

    private static string Local(TestHost host) => $"https://localhost:{host.Address.Port}";

    /// <summary>Until a new connection is shown the certificate.</summary>
    private async Task WaitForAsync(TestHost host, string serial)
    {
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(30))
        {
            await using TlsClient client = await TlsClient.ConnectAsync(host.Address.Port, Authority);
            if (client.Serial == serial)
            {
                return;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.Fail("the new certificate is not shown");
    }
}
