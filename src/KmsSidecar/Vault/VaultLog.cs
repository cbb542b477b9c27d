using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <summary>How the client fares, in the category <c>rustfs::kms::vault</c>.</summary>
internal static partial class VaultLog
{
    [LoggerMessage(EventIds.VaultTlsFilesTaken, LogLevel.Information, "the files of CA and client certificate have changed, and are used for new connections to Vault")]
    public static partial void TlsFilesTaken(ILogger log);

    [LoggerMessage(EventIds.VaultTlsFilesNotTaken, LogLevel.Warning, "the files of CA and client certificate have changed, and the former ones stay in use: {Reason}")]
    public static partial void TlsFilesNotTaken(ILogger log, string reason);

    [LoggerMessage(EventIds.VaultCircuitOpened, LogLevel.Error, "Vault at {Server} is left alone for {Seconds} s ({Scope}): {Reason}")]
    public static partial void CircuitOpened(ILogger log, string server, double seconds, string scope, string reason);

    [LoggerMessage(EventIds.VaultCircuitClosed, LogLevel.Information, "Vault at {Server} answers again ({Scope})")]
    public static partial void CircuitClosed(ILogger log, string server, string scope);

    [LoggerMessage(EventIds.VaultLoggedIn, LogLevel.Information, "Vault at {Server} takes the credentials ({Method}); life: {Life}")]
    public static partial void LoggedIn(ILogger log, string server, string method, string life);

    [LoggerMessage(EventIds.VaultTokenRenewed, LogLevel.Debug, "Vault at {Server} has renewed the token; life: {Life}")]
    public static partial void TokenRenewed(ILogger log, string server, string life);

    [LoggerMessage(EventIds.VaultCredentialsFailed, LogLevel.Error, "the credentials for Vault at {Server} could not be kept, and this is tried again: {Reason} ({HeldBack} such lines were held back)")]
    public static partial void CredentialsFailed(ILogger log, string server, string reason, long heldBack);

    [LoggerMessage(EventIds.VaultTokenDead, LogLevel.Warning, "Vault at {Server} does not know the token any more: it was revoked, or has expired early")]
    public static partial void TokenDead(ILogger log, string server);

    [LoggerMessage(EventIds.VaultTokenEnds, LogLevel.Warning, "the token for Vault at {Server} ends in {Seconds} s, and cannot be renewed beyond that; {Mend}")]
    public static partial void TokenEnds(ILogger log, string server, long seconds, string mend);

    [LoggerMessage(EventIds.VaultNotVerified, LogLevel.Warning, "skip_verify is set: anybody can pose as Vault at {Server}")]
    public static partial void NotVerified(ILogger log, string server);

    [LoggerMessage(EventIds.VaultNotRevoked, LogLevel.Warning, "the token for Vault at {Server} was not revoked and ends by itself: {Reason}")]
    public static partial void NotRevoked(ILogger log, string server, string reason);

    [LoggerMessage(EventIds.VaultUpkeepFailed, LogLevel.Error, "the upkeep of the credentials for Vault at {Server} failed unexpectedly, and is tried again")]
    public static partial void UpkeepFailed(ILogger log, string server, Exception reason);
}
