using System.Security.Cryptography.X509Certificates;

namespace KmsSidecar.RustFs;

/// <param name="Endpoint">Of RustFS's own port, without a path.</param>
/// <param name="Region">For signatures to RustFS, and what RustFS signs its own requests to this daemon for.</param>
/// <param name="KmsEndpoint">How RustFS reaches this daemon, without a path.</param>
/// <param name="Authorities">What RustFS's certificate is checked against; null for what the system trusts.</param>
internal sealed record RustFsSettings(Uri Endpoint, string Region, Uri KmsEndpoint, X509Certificate2Collection? Authorities)
{
    public string EndpointText => Text(Endpoint);

    public string KmsEndpointText => Text(KmsEndpoint);

    private static string Text(Uri endpoint) => endpoint.GetLeftPart(UriPartial.Authority);
}
