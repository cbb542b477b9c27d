using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Operations;

/// <summary>What the daemon destroys by itself, in the category <c>rustfs::kms::audit</c>: a line before and a line after each key.</summary>
internal static partial class SweepLog
{
    [LoggerMessage(EventIds.SweepDestroying, LogLevel.Warning, "destroying key {KeyId}, newest version {KeyVersion}, whose deletion was due {Due}")]
    public static partial void Destroying(ILogger log, string keyId, uint keyVersion, string? due);

    [LoggerMessage(EventIds.SweepDestroyed, LogLevel.Warning, "key {KeyId}, newest version {KeyVersion}, is destroyed; its deletion was due {Due}")]
    public static partial void Destroyed(ILogger log, string keyId, uint keyVersion, string? due);

    [LoggerMessage(EventIds.SweepFailed, LogLevel.Error,
        "key {KeyId}, newest version {KeyVersion}, due {Due}, is not destroyed and will be tried again: {Error}: {Reason}")]
    public static partial void Failed(ILogger log, string keyId, uint keyVersion, string? due, KmsError error, string reason);

    [LoggerMessage(EventIds.SweepBlocked, LogLevel.Warning,
        "key {KeyId} is due for destruction ({Due}), but is the default key: it stays until it is that no more or its deletion is cancelled")]
    public static partial void Blocked(ILogger log, string keyId, string? due);

    [LoggerMessage(EventIds.SweepPutOff, LogLevel.Warning,
        "the wall clock has run {Ahead} ahead of the time that has passed: no key is destroyed until it has been steady for one pass")]
    public static partial void PutOff(ILogger log, TimeSpan ahead);

    [LoggerMessage(EventIds.SweepOnProbation, LogLevel.Warning,
        "keys are due, but the wall clock is {Ahead} ahead of where it was when this daemon last ran: no key is destroyed for a day after this start; if the clock is wrong, set it with timedatectl before")]
    public static partial void OnProbation(ILogger log, TimeSpan ahead);

    [LoggerMessage(EventIds.SweepEnded, LogLevel.Error, "looking for keys that are due failed, and will be tried again")]
    public static partial void PassFailed(ILogger log, Exception reason);
}
