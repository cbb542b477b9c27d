using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Options;
using KmsSidecar.RustFs;
using KmsSidecar.Tls;

namespace KmsSidecar.Hosting;

/// <summary>Makes the client of RustFS's admin API from the options and the files that they name.</summary>
internal static class RustFsFactory
{
    /// <returns>Null when RustFS does not follow.</returns>
    /// <exception cref="KmsException">InvalidConfiguration: a file cannot be used, or there are no credentials.</exception>
    public static RustFsClient? Open(DaemonOptions options, TimeProvider clock)
    {
        if (options.RustFs is not { } rustFs)
        {
            return null;
        }

        X509Certificate2Collection? authorities = rustFs.CaFile is { } file ? TrustedAuthorities.Read("--rustfs-ca-file", file) : null;
        RustFsSettings settings = new(rustFs.Endpoint, options.OwnRegion, rustFs.KmsEndpoint, authorities);
        return new RustFsClient(new RustFsConnection(settings, ReadCredentials(rustFs, options), clock), settings);
    }

    /// <returns>The caller's to wipe.</returns>
    /// <exception cref="KmsException">InvalidConfiguration: there are none, or they cannot be used.</exception>
    public static RootCredentials ReadCredentials(RustFsOptions rustFs, DaemonOptions options) =>
        RootCredentialLoader.Load(rustFs.CredentialsFile ?? options.CredentialsFile) as RootCredentials ?? throw new KmsException(
            KmsError.InvalidConfiguration,
            "--rustfs-endpoint needs credentials: --rustfs-credentials-file, --credentials-file, or RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY");
}
