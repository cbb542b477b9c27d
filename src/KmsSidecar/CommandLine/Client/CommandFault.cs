namespace KmsSidecar.CommandLine.Client;

/// <summary>Ends a command.</summary>
/// <param name="exitCode">One of <see cref="CommandLine.ExitCode"/>.</param>
/// <param name="message">One sentence for the user, without a secret.</param>
/// <param name="next">The command to type next; null when there is none.</param>
internal sealed class CommandFault(int exitCode, string message, string? next = null, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;

    public string? Next { get; } = next;

    /// <summary>The daemon's own code for it; null where it is not the daemon that refuses.</summary>
    public string? Code { get; init; }
}
