using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace KmsSidecar.Transport;

/// <summary>What tells Kestrel that a connection is TLS, and which protocol was agreed on. Clients have no certificates.</summary>
/// <remarks>Without the handshake's feature it would wait for more of an HTTP/2 connection that does not begin as one: that may be HTTP/1.1 where
/// there is no TLS.</remarks>
internal sealed class TlsFeatures(SslStream tls) : ITlsConnectionFeature, ITlsApplicationProtocolFeature, ITlsHandshakeFeature
{
    private const string Retired = "the cipher suite says it";

    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = tls.NegotiatedApplicationProtocol.Protocol;

    public SslProtocols Protocol { get; } = tls.SslProtocol;

    public TlsCipherSuite? NegotiatedCipherSuite { get; } = tls.NegotiatedCipherSuite;

    [Obsolete(Retired)]
    public CipherAlgorithmType CipherAlgorithm => default;

    [Obsolete(Retired)]
    public int CipherStrength => default;

    [Obsolete(Retired)]
    public HashAlgorithmType HashAlgorithm => default;

    [Obsolete(Retired)]
    public int HashStrength => default;

    [Obsolete(Retired)]
    public ExchangeAlgorithmType KeyExchangeAlgorithm => default;

    [Obsolete(Retired)]
    public int KeyExchangeStrength => default;

    public X509Certificate2? ClientCertificate
    {
        get => null;
        set => throw new NotSupportedException();
    }

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
}
