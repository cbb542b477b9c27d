using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>A TLS connection that stays open and asks in HTTP/1.1.</summary>
internal sealed class TlsClient : IAsyncDisposable
{
    private readonly SslStream _tls;

    private TlsClient(SslStream tls) => _tls = tls;

    /// <summary>The serial number of the certificate that the server showed.</summary>
    public string Serial => ((X509Certificate2)_tls.RemoteCertificate!).SerialNumber;

    /// <param name="authority">File of the one that is trusted.</param>
    public static async Task<TlsClient> ConnectAsync(int port, string authority)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        X509ChainPolicy trust = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(authority);
        SslStream tls = new(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = trust },
            TestContext.Current.CancellationToken);
        return new TlsClient(tls);
    }

    /// <returns>The first line of the answer.</returns>
    public async Task<string> GetAsync(string target)
    {
        await _tls.WriteAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);
        byte[] answer = new byte[16 * 1024];
        int length = await _tls.ReadAsync(answer, TestContext.Current.CancellationToken);
        return Encoding.ASCII.GetString(answer, 0, length).Split("\r\n")[0];
    }

    public ValueTask DisposeAsync() => _tls.DisposeAsync();
}
