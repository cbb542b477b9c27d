using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Crypto;

namespace KmsSidecar.Tls;

/// <summary>A private certificate authority, which issues server certificates and nothing else.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    /// <summary>Long enough that nobody has to think of it, short enough that a stolen key does not serve for long.</summary>
    public static readonly TimeSpan ServerLife = TimeSpan.FromDays(90);

    private const int Years = 10;
    private const int SerialBytes = 16;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>X.520 lets a common name have 64 characters.</summary>
    private const int MaxHostChars = 40;

    /// <summary>Clients whose clock is behind take a new certificate, too.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    private readonly X509Certificate2 _certificate;

    private CertificateAuthority(X509Certificate2 certificate) => _certificate = certificate;

    public DateTimeOffset NotAfter => new(_certificate.NotAfter);

    /// <summary>A new one.</summary>
    /// <param name="host">Of this machine, so that people can tell authorities apart.</param>
    /// <param name="keyPem">Its key, the caller's to wipe.</param>
    public static CertificateAuthority Create(DateTimeOffset now, string host, out SecretBytes keyPem)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(Name($"kms-sidecar CA on {host[..Math.Min(host.Length, MaxHostChars)]}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLengthConstraint: 0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using X509Certificate2 certificate = request.Create(
            request.SubjectName, X509SignatureGenerator.CreateForECDsa(key), now - ClockSkew, now.AddYears(Years), Serial());
        keyPem = PrivateKeyPem.Write(key);
        return new CertificateAuthority(certificate.CopyWithPrivateKey(key));
    }

    /// <exception cref="Errors.KmsException">One of the files cannot be used.</exception>
    public static CertificateAuthority Load(string certificatePath, string keyPath)
    {
        using X509Certificate2 certificate = ServerCertificate.ReadChain(certificatePath)[0];
        return new CertificateAuthority(PrivateKeyPem.Attach(certificate, keyPath, certificatePath));
    }

    /// <summary>Whether a certificate was issued by an authority. That it has ended does not matter.</summary>
    public static bool HasIssued(X509Certificate2 authority, X509Certificate2 certificate)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        return chain.Build(certificate) && chain.ChainElements.Count == 2;
    }

    /// <summary>When a server certificate that is issued now would end: never after the authority itself.</summary>
    public static DateTimeOffset EndOfServer(DateTimeOffset now, DateTimeOffset authorityNotAfter) =>
        now + ServerLife < authorityNotAfter ? now + ServerLife : authorityNotAfter;

    /// <summary>A server certificate with a new key.</summary>
    /// <param name="names">Subject alternative names.</param>
    /// <returns>The certificate followed by the authority's, and the key, which is the caller's to wipe. Both in PEM.</returns>
    /// <exception cref="ArgumentException">The authority has ended.</exception>
    public (string ChainPem, SecretBytes KeyPem, DateTimeOffset NotAfter) Issue(DateTimeOffset now, X509Extension names)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(Name("kms-sidecar"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(names);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            _certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset authorityNotBefore = new(_certificate.NotBefore);
        DateTimeOffset notBefore = now - ClockSkew > authorityNotBefore ? now - ClockSkew : authorityNotBefore;
        using X509Certificate2 certificate = request.Create(_certificate, notBefore, EndOfServer(now, NotAfter), Serial());
        string chain = $"{certificate.ExportCertificatePem()}\n{CertificatePem()}";
        return (chain, PrivateKeyPem.Write(key), new DateTimeOffset(certificate.NotAfter));
    }

    public string CertificatePem() => $"{_certificate.ExportCertificatePem()}\n";

    public void Dispose() => _certificate.Dispose();

    private static X500DistinguishedName Name(string commonName)
    {
        X500DistinguishedNameBuilder name = new();
        name.AddCommonName(commonName);
        return name.Build();
    }

    /// <summary>Positive, and never short (RFC 5280, 4.1.2.2).</summary>
    private static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x3f) | 0x40);
        return serial;
    }
}
