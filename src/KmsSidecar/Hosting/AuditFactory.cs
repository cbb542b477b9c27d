using KmsSidecar.Audit;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>Opens the audit log as the options say.</summary>
internal static class AuditFactory
{
    /// <returns>Null when nothing is recorded.</returns>
    /// <exception cref="Errors.KmsException">StorageFailed: a directory cannot be used, or is another process's.</exception>
    public static AuditLog? Open(
        DaemonOptions options, StateDirectory state, IFileSteps steps, DirectoryLocks locks, TimeProvider clock, ILoggerFactory logs) =>
        options.Audit is { } settings
            ? AuditLog.Open(settings, AuditOptions.DirectoryOf(options), state.Audit, state.MasterKey, steps, locks, clock, logs)
            : null;
}
