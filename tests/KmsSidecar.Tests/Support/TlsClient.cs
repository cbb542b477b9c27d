using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>A TLS connection that stays open and asks in HTTP/1.1, or sends any bytes whatever, above TLS or beneath it.</summary>
internal sealed class TlsClient : IAsyncDisposable
{
    private readonly NetworkStream _tcp;
    private readonly SslStream _tls;

    private TlsClient(NetworkStream tcp, SslStream tls)
    {
        _tcp = tcp;
        _tls = tls;
    }

    /// <summary>The serial number of the certificate that the server showed.</summary>
    public string Serial => ((X509Certificate2)_tls.RemoteCertificate!).SerialNumber;

    /// <param name="authority">File of the one that is trusted.</param>
    public static async Task<TlsClient> ConnectAsync(int port, string authority, string protocol = "http/1.1")
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        X509ChainPolicy trust = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(authority);
        NetworkStream tcp = new(socket, ownsSocket: true);
        SslStream tls = new(tcp);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                CertificateChainPolicy = trust,
                ApplicationProtocols = [new SslApplicationProtocol(protocol)],
            },
            TestContext.Current.CancellationToken);
        return new TlsClient(tcp, tls);
    }

    /// <returns>The first line of the answer.</returns>
    public async Task<string> GetAsync(string target)
    {
        await _tls.WriteAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);
        byte[] answer = new byte[16 * 1024];
        int length = await _tls.ReadAsync(answer, TestContext.Current.CancellationToken);
        return Encoding.ASCII.GetString(answer, 0, length).Split("\r\n")[0];
    }

    public Task SendAsync(byte[] bytes) => _tls.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask();

    public Task SendBeneathAsync(byte[] bytes) => _tcp.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask();

    /// <summary>Reads until the server ends the connection, in whatever way.</summary>
    public async Task ReadToEndAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await _tcp.ReadAsync(buffer, TestContext.Current.CancellationToken) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset.
        }
    }

    /// <summary>Ends the connection with a reset instead of in order.</summary>
    public void Reset()
    {
        _tcp.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _tcp.Close();
    }

    public ValueTask DisposeAsync() => _tls.DisposeAsync();
}
