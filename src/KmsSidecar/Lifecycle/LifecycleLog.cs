using KmsSidecar.Observability;

namespace KmsSidecar.Lifecycle;

/// <summary>Events of the service's life, in the category <c>rustfs::kms::lifecycle</c>. No parameter is ever secret or a caller's raw text.</summary>
internal static partial class LifecycleLog
{
    [LoggerMessage(EventIds.ConfigurationChanged, LogLevel.Information,
        "{Action}: generation {Generation} is in effect, backend {Backend}, changed [{Changed}], by {Who} from {From}")]
    public static partial void Changed(
        ILogger log, string action, long generation, string backend, string changed, string who, string from);

    [LoggerMessage(EventIds.ServiceStarted, LogLevel.Information,
        "started: generation {Generation}, backend {Backend}, by {Who} from {From}")]
    public static partial void Started(ILogger log, long generation, string backend, string who, string from);

    [LoggerMessage(EventIds.ServiceStopped, LogLevel.Information, "stopped: generation {Generation} kept, by {Who} from {From}")]
    public static partial void Stopped(ILogger log, long generation, string who, string from);

    [LoggerMessage(EventIds.ServiceRestored, LogLevel.Information, "running again as before: generation {Generation}, backend {Backend}")]
    public static partial void Restored(ILogger log, long generation, string backend);

    [LoggerMessage(EventIds.StartFailed, LogLevel.Error, "cannot start: {Reason}")]
    public static partial void StartFailed(ILogger log, string reason);

    [LoggerMessage(EventIds.DefaultKeyCreated, LogLevel.Information, "default key {KeyId} did not exist and was created")]
    public static partial void DefaultKeyCreated(ILogger log, string keyId);

    [LoggerMessage(EventIds.StateFileDamaged, LogLevel.Critical,
        "stored configuration {File} is damaged ({Reason}); the newest good one is used: {Used}")]
    public static partial void StateFileDamaged(ILogger log, string file, string reason, string used);

    [LoggerMessage(EventIds.KeyUnreadable, LogLevel.Error, "key {Name} is out of service: {Reason}")]
    public static partial void KeyUnreadable(ILogger log, string name, string reason);

    [LoggerMessage(EventIds.BackendUnreachable, LogLevel.Error,
        "decrypt-only backend {Backend} cannot be opened, its envelopes fail until it can: {Reason}")]
    public static partial void BackendUnreachable(ILogger log, string backend, string reason);

    [LoggerMessage(EventIds.BackendReachable, LogLevel.Information, "decrypt-only backend {Backend} can be opened again")]
    public static partial void BackendReachable(ILogger log, string backend);

    [LoggerMessage(EventIds.LastUsesNotStored, LogLevel.Error, "the times of last use of decrypt-only backends are not stored, it is tried again: {Reason}")]
    public static partial void LastUsesNotStored(ILogger log, string reason);

    [LoggerMessage(EventIds.RetryFailed, LogLevel.Error, "an attempt to bring the service back failed unexpectedly; there will be others")]
    public static partial void RetryFailed(ILogger log, Exception unexpected);

    [LoggerMessage(EventIds.BackendNotice, LogLevel.Warning, "{Notice}")]
    public static partial void BackendNotice(ILogger log, string notice);
}
