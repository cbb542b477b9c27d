using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Errors;

namespace KmsSidecar.Tls;

/// <summary>What a server's certificate is checked against instead of the authorities that the system trusts.</summary>
internal static class TrustedAuthorities
{
    /// <param name="setting">That names the file, for messages.</param>
    /// <exception cref="KmsException">InvalidConfiguration: the file cannot be used.</exception>
    public static X509Certificate2Collection Read(string setting, string file)
    {
        try
        {
            X509Certificate2Collection authorities = [];
            authorities.ImportFromPemFile(file);
            return authorities.Count > 0
                ? authorities
                : throw new KmsException(KmsError.InvalidConfiguration, $"{setting} {file}: there is no certificate in it");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            FaultCause cause = unreadable switch
            {
                FileNotFoundException or DirectoryNotFoundException => FaultCause.Missing,
                UnauthorizedAccessException => FaultCause.NoPermission,
                _ => FaultCause.Setting,
            };
            throw new KmsException(KmsError.InvalidConfiguration, cause, $"{setting} {file}: {unreadable.Message}", unreadable);
        }
    }

    /// <summary>The check of the host's name is not part of the policy: it stays.</summary>
    public static SslClientAuthenticationOptions Trust(X509Certificate2Collection authorities)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }
}
