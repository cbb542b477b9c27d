using KmsSidecar.Options;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.Hosting;

/// <summary>Finds out what the options ask of TLS.</summary>
internal static class ServerTls
{
    /// <summary>Null when there is no certificate.</summary>
    public static TlsFiles? FilesOf(DaemonOptions options) =>
        options is { TlsCertificate: { } certificate, TlsKey: { } key } ? new TlsFiles(certificate, key) : null;

    /// <summary>Null when no address is TLS: then nothing is read, and the start does not wait for OpenSSL.</summary>
    /// <exception cref="Errors.KmsException">The certificate or its key cannot be used.</exception>
    public static CertificateKeeper? Open(DaemonOptions options, IFileSteps steps, TimeProvider clock, ILoggerFactory logs) =>
        options.Listen.Any(static address => address.IsTls) ? new CertificateKeeper(FilesOf(options)!, steps, clock, logs) : null;
}
