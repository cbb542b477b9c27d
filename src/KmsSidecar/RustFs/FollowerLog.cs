using KmsSidecar.Observability;

namespace KmsSidecar.RustFs;

/// <summary>How RustFS follows, in the category <c>rustfs::kms::rustfs</c>.</summary>
internal static partial class FollowerLog
{
    [LoggerMessage(EventIds.RustFsFollows, LogLevel.Information, "RustFS at {Endpoint} has default key {KeyId}, as this daemon")]
    public static partial void Follows(ILogger log, string endpoint, string keyId);

    [LoggerMessage(EventIds.RustFsDoesNotFollow, LogLevel.Warning, "RustFS is not known to have default key {KeyId}, and is asked again: {Reason}")]
    public static partial void DoesNotFollow(ILogger log, string keyId, string reason);

    [LoggerMessage(EventIds.FollowingFailed, LogLevel.Error, "passing default key {KeyId} on to RustFS failed unexpectedly, and is tried again")]
    public static partial void Failed(ILogger log, string keyId, Exception reason);
}
