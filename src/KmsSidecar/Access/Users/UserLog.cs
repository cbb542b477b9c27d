using KmsSidecar.Observability;

namespace KmsSidecar.Access.Users;

/// <summary>Events of users and policies, in the category <c>rustfs::kms::auth</c>. Names are those of users and policies that there are.</summary>
internal static partial class UserLog
{
    [LoggerMessage(EventIds.UserFileDamaged, LogLevel.Error, "{Path} cannot be used, and what it holds is out of service: {Reason}")]
    public static partial void Damaged(ILogger log, string path, string reason);

    [LoggerMessage(EventIds.PolicyMissing, LogLevel.Error,
        "user {AccessKey} may do nothing: its policy {Policy} is missing, and might be the one that denies")]
    public static partial void PolicyMissing(ILogger log, string accessKey, string policy);

    [LoggerMessage(EventIds.UserChanged, LogLevel.Information, "user {AccessKey} {Change}, by {Who} from {From}")]
    public static partial void UserChanged(ILogger log, string accessKey, string change, string who, string from);

    [LoggerMessage(EventIds.PolicyChanged, LogLevel.Information, "policy {Policy} {Change}, by {Who} from {From}")]
    public static partial void PolicyChanged(ILogger log, string policy, string change, string who, string from);
}
