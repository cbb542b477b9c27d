using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Tls;

/// <summary>Private keys as PEM.</summary>
internal static class PrivateKeyPem
{
    private const string EllipticCurve = "1.2.840.10045.2.1";
    private const string Rsa = "1.2.840.113549.1.1.1";

    /// <summary>More than PKCS #8 takes for the curves that are made here.</summary>
    private const int MaxKeyBytes = 512;

    private const int MinRsaBits = 2048;

    private static ReadOnlySpan<byte> Label => "PRIVATE KEY"u8;

    /// <summary>A certificate with its key.</summary>
    /// <param name="path">Of the key.</param>
    /// <param name="of">Path of the certificate, for faults.</param>
    /// <exception cref="KmsException">The file cannot be used, or is the key of another certificate.</exception>
    public static X509Certificate2 Attach(X509Certificate2 certificate, string path, string of)
    {
        using PemFile pem = PemFile.ReadPrivate(path, "private key");
        string algorithm = certificate.GetKeyAlgorithm();
        using AsymmetricAlgorithm key = algorithm switch
        {
            EllipticCurve => ECDsa.Create(),
            Rsa => RSA.Create(),
            _ => throw Unusable($"the certificate {of} has a key that is neither of an elliptic curve nor RSA ({algorithm})", null),
        };
        Import(key, pem, path, certificate);
        if (key is RSA { KeySize: < MinRsaBits })
        {
            throw Unusable($"the private key {path} has {key.KeySize} bits; for RSA it takes {MinRsaBits}, which clients ask for", null);
        }

        try
        {
            return key is ECDsa curve ? certificate.CopyWithPrivateKey(curve) : certificate.CopyWithPrivateKey((RSA)key);
        }
        catch (Exception other) when (other is ArgumentException or CryptographicException)
        {
            throw Mismatch(path, of, other);
        }
    }

    /// <returns>PKCS #8 in PEM, the caller's to wipe.</returns>
    public static SecretBytes Write(ECDsa key)
    {
        using SecretBytes der = SecretBytes.Allocate(MaxKeyBytes);
        if (!key.TryExportPkcs8PrivateKey(der.Span, out int length))
        {
            throw new InvalidOperationException("the key is longer than any that is made here");
        }

        SecretBytes pem = SecretBytes.Allocate(PemEncoding.GetEncodedSize(Label.Length, length) + 1);
        if (!PemEncoding.TryWriteUtf8(Label, der.Span[..length], pem.Span, out int written) || written != pem.Length - 1)
        {
            throw new InvalidOperationException("the text of a key has another length than was said");
        }

        pem.Span[written] = (byte)'\n';
        return pem;
    }

    private static void Import(AsymmetricAlgorithm key, PemFile pem, string path, X509Certificate2 certificate)
    {
        try
        {
            key.ImportFromPem(pem.Text);
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or CryptographicException)
        {
            string why = pem.Text.Contains("ENCRYPTED", StringComparison.Ordinal)
                ? $"is encrypted; decrypt it with: openssl pkey -in {path}"
                : $"is not one private key in PEM of the certificate's kind ({certificate.PublicKey.Oid.FriendlyName})";

            // Without the inner exception: nothing of what was read may get into a log.
            throw Unusable($"the private key {path} {why}", null);
        }
    }

    private static KmsException Mismatch(string path, string of, Exception inner) => Unusable(
        $"the private key {path} is not that of the first certificate in {of}; "
        + "give the key that the certificate was made for, and put the server's certificate first",
        inner);

    private static KmsException Unusable(string message, Exception? inner) => new(KmsError.InvalidConfiguration, message, inner);
}
