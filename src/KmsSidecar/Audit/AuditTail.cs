using KmsSidecar.Errors;
using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Audit;

/// <summary>How a file of the log ends: what a new process goes on from.</summary>
/// <param name="HasLine">There is a whole line in it.</param>
/// <param name="Last">The last whole line; null when it is none of this log.</param>
/// <param name="TornBytes">Behind it: the process ended in the middle of a line.</param>
internal sealed record AuditTail(bool HasLine, AuditPosition? Last, int TornBytes)
{
    /// <exception cref="KmsException">StorageFailed.</exception>
    public static AuditTail Read(string path)
    {
        byte[] end = ReadEnd(path);
        int whole = end.AsSpan().LastIndexOf((byte)'\n') + 1;
        if (whole == 0)
        {
            return new AuditTail(false, null, end.Length);
        }

        int begin = end.AsSpan(0, whole - 1).LastIndexOf((byte)'\n') + 1;
        bool isOurs = AuditEntry.TryParse(end.AsSpan(begin, whole - 1 - begin), out AuditEntry? entry);
        return new AuditTail(true, isOurs ? new AuditPosition(entry!.Sequence, entry.Hash) : null, end.Length - whole);
    }

    /// <summary>Two lines have room in it.</summary>
    private static byte[] ReadEnd(string path)
    {
        try
        {
            using SafeFileHandle file = Posix.Open(path, Posix.OpenReadOnly | Posix.OpenNoFollow | Posix.OpenNonBlocking);
            long length = RandomAccess.GetLength(file);
            byte[] end = new byte[Math.Min(length, 2 * AuditChain.MaxLineBytes)];
            return end[..RandomAccess.Read(file, end, length - end.Length)];
        }
        catch (Exception unreadable) when (unreadable is PosixException or IOException or UnauthorizedAccessException)
        {
            throw new KmsException(KmsError.StorageFailed, FaultCause.Disk, $"cannot read {path}: {unreadable.Message}", unreadable);
        }
    }
}
