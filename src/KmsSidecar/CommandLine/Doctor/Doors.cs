using System.Net.Security;
using KmsSidecar.Auth;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Options;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>Opens the daemon's sockets and addresses as its callers do.</summary>
/// <param name="caFile">What the daemon's certificate is checked against; null for the authority beside the certificate, else for those that
/// the system trusts.</param>
internal sealed class Doors(DaemonOptions options, string? caFile)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    public string? AuthorityFile { get; } = caFile ?? FindBeside(options.TlsCertificate);

    public static DaemonClient OpenSocket(string path) => DaemonConnection.OpenSocket(path, Patience);

    /// <param name="signer">Null for no signature; taken over.</param>
    /// <param name="seen">Is given the certificate that the daemon shows, in DER.</param>
    public DaemonClient OpenAddress(ListenAddress address, RequestSigner? signer, Action<byte[]>? seen = null)
    {
        string url = $"{(address.IsTls ? "https" : "http")}://{address.Host}:{address.EndPoint.Port}";
        SocketsHttpHandler handler = new();
        if (AuthorityFile is { } file && address.IsTls)
        {
            handler.SslOptions = TrustedAuthorities.Trust(TrustedAuthorities.Read("--ca-file", file));
        }

        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, faults) =>
        {
            seen?.Invoke(certificate?.GetRawCertData() ?? []);
            return faults == SslPolicyErrors.None;
        };
        return new DaemonClient(url, new Uri(url), handler, signer, Patience);
    }

    private static string? FindBeside(string? certificate)
    {
        string path = Path.Join(Path.GetDirectoryName(certificate), AuthorityDirectory.Authority);
        return certificate is not null && File.Exists(path) ? path : null;
    }
}
