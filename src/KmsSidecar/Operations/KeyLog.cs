using KmsSidecar.Observability;

namespace KmsSidecar.Operations;

/// <summary>Events of keys, in the category <c>rustfs::kms::keys</c>. Ids are those of keys that there are, never a caller's raw text.</summary>
internal static partial class KeyLog
{
    [LoggerMessage(EventIds.KeyCreated, LogLevel.Information, "key {KeyId} created, by {Who} from {From}")]
    public static partial void Created(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyEnabled, LogLevel.Information, "key {KeyId} enabled, by {Who} from {From}")]
    public static partial void Enabled(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyDisabled, LogLevel.Information, "key {KeyId} disabled, by {Who} from {From}")]
    public static partial void Disabled(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyDeletionScheduled, LogLevel.Warning, "key {KeyId} will be destroyed after {Due}, by {Who} from {From}")]
    public static partial void DeletionScheduled(ILogger log, string keyId, string? due, string who, string from);

    [LoggerMessage(EventIds.KeyDeletionCancelled, LogLevel.Information, "deletion of key {KeyId} cancelled, by {Who} from {From}")]
    public static partial void DeletionCancelled(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyDescribed, LogLevel.Information, "description of key {KeyId} changed, by {Who} from {From}")]
    public static partial void Described(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyTagged, LogLevel.Information, "tags of key {KeyId} set, by {Who} from {From}")]
    public static partial void Tagged(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyUntagged, LogLevel.Information, "tags of key {KeyId} removed, by {Who} from {From}")]
    public static partial void Untagged(ILogger log, string keyId, string who, string from);

    [LoggerMessage(EventIds.KeyRotated, LogLevel.Information, "key {KeyId} rotated, its newest version is {KeyVersion}, by {Who} from {From}")]
    public static partial void Rotated(ILogger log, string keyId, uint keyVersion, string who, string from);

    [LoggerMessage(EventIds.KeyDestroyed, LogLevel.Warning, "key {KeyId} destroyed at once, by {Who} from {From}")]
    public static partial void Destroyed(ILogger log, string keyId, string who, string from);
}
