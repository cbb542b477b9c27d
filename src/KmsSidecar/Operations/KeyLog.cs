using KmsSidecar.Observability;

namespace KmsSidecar.Operations;

/// <summary>Events of keys, in the category <c>rustfs::kms::keys</c>. Ids are those of keys that there are, never a caller's raw text.</summary>
internal static partial class KeyLog
{
    [LoggerMessage(EventIds.KeyCreated, LogLevel.Information, "key {KeyId} created, by {Who} from {From}")]
    public static partial void Created(ILogger log, string keyId, string who, string from);
}
