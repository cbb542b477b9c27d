namespace KmsSidecar.Audit;

/// <summary>How operations are recorded.</summary>
/// <param name="Directory">Null for the one beside the state.</param>
/// <param name="IsStrict">Every operation is on disk before its answer; otherwise that holds for changes, and data keys follow within <see cref="AuditWriter.Window"/>.</param>
/// <param name="RefusesUnrecorded">What cannot be recorded is refused; otherwise it is done, and counted.</param>
/// <param name="FileBytes">A file that is longer is followed by a new one.</param>
/// <param name="FileAge">And so is one that is older.</param>
/// <param name="KeptBytes">Of all files together; the oldest go first.</param>
internal sealed record AuditSettings(string? Directory, bool IsStrict, bool RefusesUnrecorded, long FileBytes, TimeSpan FileAge, long KeptBytes);
