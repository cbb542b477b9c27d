using KmsSidecar.Observability;

namespace KmsSidecar.Tls;

/// <summary>Events of the TLS certificate, in the category <c>rustfs::kms::tls</c>.</summary>
internal static partial class TlsLog
{
    [LoggerMessage(EventIds.CertificateInUse, LogLevel.Information, "the TLS certificate {Path} is in use, valid until {Until:u}")]
    public static partial void InUse(ILogger log, string path, DateTime until);

    [LoggerMessage(EventIds.CertificateNotTaken, LogLevel.Warning,
        "the TLS files have changed and are not taken, the former certificate stays in use, valid until {Until:u}: {Reason}")]
    public static partial void NotTaken(ILogger log, DateTime until, string reason);

    [LoggerMessage(EventIds.CertificateEnding, LogLevel.Warning,
        "the TLS certificate {Path} ends at {Until:u}, after which clients refuse it; put a new one in its place, or make one with: kms-sidecar tls init --force")]
    public static partial void Ending(ILogger log, string path, DateTime until);

    [LoggerMessage(EventIds.CertificateEnded, LogLevel.Error, "the TLS certificate in use is not valid, so clients refuse it: {Reason}")]
    public static partial void Ended(ILogger log, string reason);

    [LoggerMessage(EventIds.CertificateRenewed, LogLevel.Information, "renewed the TLS certificate {Path}")]
    public static partial void Renewed(ILogger log, string path);

    [LoggerMessage(EventIds.RenewalFailed, LogLevel.Error, "cannot renew the TLS certificate {Path}, and try again in an hour: {Reason}")]
    public static partial void RenewalFailed(ILogger log, string path, string reason);
}
