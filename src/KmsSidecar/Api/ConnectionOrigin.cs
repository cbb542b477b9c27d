using KmsSidecar.Audit;

namespace KmsSidecar.Api;

/// <summary>Where a connection came in and who the kernel says is at its other end; a feature of every connection.</summary>
/// <param name="Who"><c>uid N</c> on a Unix socket; null on TCP, where the signature tells.</param>
/// <param name="Subject">The same, for the audit log.</param>
/// <param name="IsAdmitted">False for a process that may not use this socket: its requests are answered 403.</param>
internal sealed record ConnectionOrigin(Surface Surface, string? Who, AuditSubject? Subject, bool IsAdmitted);
