using KmsSidecar.Observability;

namespace KmsSidecar.Audit;

/// <summary>Events of the log itself, in the category <c>rustfs::kms::audit</c>. Numbers come as text: each mix of types would be code of its own.</summary>
internal static partial class AuditEvents
{
    public const string Category = "rustfs::kms::audit";

    [LoggerMessage(EventIds.AuditOpened, LogLevel.Information, "the audit log goes on in {File} from record {Sequence}, signed with key {KeyName}")]
    public static partial void Opened(ILogger log, string file, string sequence, string keyName);

    [LoggerMessage(EventIds.AuditFailing, LogLevel.Error, "the audit log is not written, {Rule}: {Reason}")]
    public static partial void Failing(ILogger log, string rule, string reason);

    [LoggerMessage(EventIds.AuditRecovered, LogLevel.Warning, "the audit log is written again; {Lost} operations were done without a record")]
    public static partial void Recovered(ILogger log, string lost);

    [LoggerMessage(EventIds.AuditCut, LogLevel.Error,
        "the audit log ends with record {Found}, and this node has signed record {Known}: its end was cut off. It goes on behind that, so that `kms-sidecar audit verify` tells of the gap")]
    public static partial void Cut(ILogger log, string found, string known);

    [LoggerMessage(EventIds.AuditFileGone, LogLevel.Error, "{File} was moved or deleted while it was written; what was in it is missing from the audit log, which goes on in a new file")]
    public static partial void FileGone(ILogger log, string file);

    [LoggerMessage(EventIds.AuditSigned, LogLevel.Information, "audit log signed up to record {Sequence}, whose hash is {Hash}")]
    public static partial void Signed(ILogger log, string sequence, string hash);

    [LoggerMessage(EventIds.AuditHeadNotKept, LogLevel.Warning,
        "the state directory cannot keep how far the audit log is signed, so that it would not be noticed if the end of the log were cut off: {Reason}")]
    public static partial void HeadNotKept(ILogger log, string reason);

    [LoggerMessage(EventIds.AuditRemoved, LogLevel.Information, "audit log: {File} removed, the files together were longer than --audit-keep")]
    public static partial void Removed(ILogger log, string file);
}
