using KmsSidecar.Observability;

namespace KmsSidecar.Hosting;

/// <summary>Events of the process, in the category <c>rustfs::kms::daemon</c>.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(EventIds.Listening, LogLevel.Information, "ready: {Addresses}; data keys are wrapped with {Ciphers}")]
    public static partial void Listening(ILogger log, string addresses, string ciphers);

    [LoggerMessage(EventIds.NoCredentials, LogLevel.Warning,
        "no root credentials: the TCP listener refuses every request until there are some, as the systemd credential 'credentials', in --credentials-file, or as RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY")]
    public static partial void NoCredentials(ILogger log);

    [LoggerMessage(EventIds.MasterKeyGenerated, LogLevel.Warning,
        "generated this node's master key in {Path}; keep a copy of it: without it neither the configuration nor the keys made under it open")]
    public static partial void MasterKeyGenerated(ILogger log, string path);

    [LoggerMessage(EventIds.StaleSocketRemoved, LogLevel.Information, "removed the stale socket {Path}")]
    public static partial void StaleSocketRemoved(ILogger log, string path);

    [LoggerMessage(EventIds.CredentialsReloaded, LogLevel.Information, "root credentials and users file read again")]
    public static partial void CredentialsReloaded(ILogger log);

    [LoggerMessage(EventIds.ReloadFailed, LogLevel.Error, "reload refused, the former settings, credentials and users stay: {Reason}")]
    public static partial void ReloadFailed(ILogger log, string reason);

    [LoggerMessage(EventIds.RestartNeeded, LogLevel.Warning, "changed, but only a restart brings it into effect: {Settings}")]
    public static partial void RestartNeeded(ILogger log, string settings);

    [LoggerMessage(EventIds.LogLevelChanged, LogLevel.Information, "log level is {Level} and was {Former}")]
    public static partial void LogLevelChanged(ILogger log, string level, string former);

    [LoggerMessage(EventIds.MemoryNotProtected, LogLevel.Warning, "{Reason}")]
    public static partial void MemoryNotProtected(ILogger log, string reason);

    /// <summary><see cref="MemoryNotProtected"/> where the keys are nobody's.</summary>
    [LoggerMessage(EventIds.MemoryNotProtectedInDevelopment, LogLevel.Information, "{Reason}")]
    public static partial void MemoryNotProtectedInDevelopment(ILogger log, string reason);

    [LoggerMessage(EventIds.DerivedKeyNotKept, LogLevel.Warning,
        "the key derived for a key directory is not kept, so the next start takes the time of Argon2id again: {Reason}")]
    public static partial void DerivedKeyNotKept(ILogger log, string reason);

    [LoggerMessage(EventIds.Stopping, LogLevel.Information, "stopped")]
    public static partial void Stopping(ILogger log);
}
