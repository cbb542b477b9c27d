namespace KmsSidecar.Hosting;

/// <summary>Whether what is written to standard error comes to systemd's journal, systemd.exec(5).</summary>
/// <remarks>Not asked of the parent's name: ProtectProc= hides the parent.</remarks>
internal static class JournalStream
{
    public static bool IsStandardError => IsThis(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), "/proc/self/fd/2");

    /// <param name="stream">The journal's device and inode. Children inherit it, whatever their standard error is.</param>
    /// <param name="descriptor">A link to <c>socket:[inode]</c>.</param>
    public static bool IsThis(string? stream, string descriptor)
    {
        int colon = stream?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        return colon >= 0 && new FileInfo(descriptor).LinkTarget == $"socket:[{stream![(colon + 1)..]}]";
    }
}
