using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace KmsSidecar.Transport;

/// <summary>What tells Kestrel that a connection is TLS, and which protocol was agreed on. Clients have no certificates.</summary>
internal sealed class TlsFeatures(SslApplicationProtocol protocol) : ITlsConnectionFeature, ITlsApplicationProtocolFeature
{
    public ReadOnlyMemory<byte> ApplicationProtocol => protocol.Protocol;

    public X509Certificate2? ClientCertificate
    {
        get => null;
        set => throw new NotSupportedException();
    }

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
}
