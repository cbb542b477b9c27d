using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Errors;

namespace KmsSidecar.Tls;

/// <summary>Where the certificate of the TLS listeners and its key are.</summary>
internal sealed record TlsFiles(string Certificate, string Key);

/// <summary>A certificate with its chain and key, ready for handshakes.</summary>
/// <remarks>Not disposable: handshakes under way go on with one that has been replaced, and OpenSSL wipes its key when the last of them is gone.</remarks>
internal sealed class ServerCertificate
{
    private ServerCertificate(X509Certificate2 certificate, SslStreamCertificateContext context)
    {
        Context = context;
        NotBefore = new DateTimeOffset(certificate.NotBefore);
        NotAfter = new DateTimeOffset(certificate.NotAfter);
    }

    public SslStreamCertificateContext Context { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>Reads both files. Whether the certificate is valid now is another question: <see cref="FindFault"/>.</summary>
    /// <exception cref="KmsException">One of them cannot be used, or they do not belong together.</exception>
    public static ServerCertificate Load(TlsFiles files)
    {
        X509Certificate2Collection chain = ReadChain(files.Certificate);
        X509Certificate2 certificate = PrivateKeyPem.Attach(chain[0], files.Key, files.Certificate);
        chain.RemoveAt(0);

        // Offline: what is sent is what is in the file; nothing is fetched from addresses that a certificate names.
        try
        {
            return new ServerCertificate(certificate, SslStreamCertificateContext.Create(certificate, chain, offline: true));
        }
        catch (CryptographicException unusable)
        {
            throw new KmsException(KmsError.InvalidConfiguration, $"the certificates in {files.Certificate} cannot be used: {unusable.Message}", unusable);
        }
    }

    /// <returns>At least one certificate, without keys.</returns>
    /// <exception cref="KmsException">There is none.</exception>
    public static X509Certificate2Collection ReadChain(string path)
    {
        using PemFile pem = PemFile.Read(path, "certificate");
        X509Certificate2Collection chain = [];
        try
        {
            chain.ImportFromPem(pem.Text);
        }
        catch (CryptographicException)
        {
            chain.Clear();
        }

        return chain.Count > 0 ? chain : throw new KmsException(KmsError.InvalidConfiguration, $"{path} is not a certificate in PEM");
    }

    /// <summary>Why clients would refuse it at this time, and the mend; null when they would not.</summary>
    public string? FindFault(string path, DateTimeOffset now) =>
        now >= NotAfter ? $"the certificate {path} ended at {NotAfter.UtcDateTime:u}; renew it, or make another with: kms-sidecar tls init --force"
        : now < NotBefore ? $"the certificate {path} is not valid before {NotBefore.UtcDateTime:u}; set the clock, or renew it"
        : null;
}
