namespace KmsSidecar.Storage;

/// <summary>The Unix sockets of this machine that somebody listens on, without a connection, which would wake a service that systemd starts for it.</summary>
internal static class ListeningSockets
{
    // unix(7) and net/unix/af_unix.c: num refcount protocol flags type state inode path; the flag is __SO_ACCEPTCON.
    private const int FlagsColumn = 3;
    private const string Listening = "00010000";

    public static bool Has(string path)
    {
        try
        {
            return File.ReadLines("/proc/net/unix").Any(line =>
                line.EndsWith($" {path}", StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[FlagsColumn] == Listening);
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
