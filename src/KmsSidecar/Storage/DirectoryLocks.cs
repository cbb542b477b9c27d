using System.Globalization;
using System.Text;
using KmsSidecar.Errors;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>The directories that this process has to itself. One object for the process, handed to whoever opens a directory.</summary>
/// <remarks>
/// Thread-safe. The lock is flock(2) on a file in the directory: it ends with the process, however the process ends. While a configuration
/// is exchanged, the old and the new snapshot use one directory; so a directory may be held several times here, but by one process only.
/// </remarks>
internal sealed class DirectoryLocks
{
    /// <summary>RustFS ignores names that do not end in <c>.key</c>.</summary>
    public const string FileName = ".kms-sidecar.lock";

    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxPidDigits = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<(uint, uint, ulong), Holding> _holdings = [];

    /// <summary>Holds the directory until the result is disposed.</summary>
    /// <exception cref="KmsException">StorageFailed: another process holds it (named if known), or there is no such directory.</exception>
    public DirectoryLock Acquire(string directory)
    {
        lock (_gate)
        {
            try
            {
                // By identity, not by path: the same directory may be written in several ways.
                (uint, uint, ulong) identity = Posix.Status(directory).Identity;
                bool first = !_holdings.TryGetValue(identity, out Holding? holding);
                if (first)
                {
                    holding = new Holding(identity, LockFile(directory));
                    _holdings.Add(identity, holding);
                }

                holding!.Count++;
                return new DirectoryLock(first, () => Release(holding));
            }
            catch (PosixException e)
            {
                throw new KmsException(KmsError.StorageFailed, e.Cause, $"cannot lock {directory}: {ServiceSandbox.Explain(directory, e.Errno)}", e);
            }
        }
    }

    /// <summary>The process that holds a directory, this one included; null when nobody does. Takes nothing.</summary>
    public static int? FindHolder(string directory)
    {
        try
        {
            using SafeFileHandle file = Posix.Open(Path.Join(directory, FileName), Posix.OpenReadOnly | Posix.OpenNoFollow | Posix.OpenNonBlocking);
            string isHeld = string.Create(CultureInfo.InvariantCulture, $":{Posix.Status(file).Identity.Inode} ");
            return ReadHolder(file) is { } process
                && File.ReadLines("/proc/locks").Any(line => line.Contains("FLOCK", StringComparison.Ordinal) && line.Contains(isHeld, StringComparison.Ordinal))
                    ? process
                    : null;
        }
        catch (Exception hidden) when (hidden is PosixException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Release(Holding holding)
    {
        lock (_gate)
        {
            holding.Count--;
            if (holding.Count == 0)
            {
                _holdings.Remove(holding.Identity);
                Posix.Unlock(holding.File);
                holding.File.Dispose();
            }
        }
    }

    private static SafeFileHandle LockFile(string directory)
    {
        SafeFileHandle file = Posix.Open(
            Path.Join(directory, FileName), Posix.OpenReadWrite | Posix.OpenCreate | Posix.OpenNoFollow | Posix.OpenNonBlocking, FileMode);
        try
        {
            if (!Posix.TryLock(file))
            {
                throw new KmsException(
                    KmsError.StorageFailed,
                    FaultCause.Held,
                    $"{directory} is in use by another kms-sidecar{Holder(file)}; a directory belongs to one daemon at a time");
            }

            Sign(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>For whoever finds the lock taken. A full disk keeps nobody from reading what is there.</summary>
    private static void Sign(SafeFileHandle file)
    {
        try
        {
            Posix.Truncate(file);
            Posix.Write(file, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        }
        catch (PosixException full) when (full.Cause == FaultCause.Disk)
        {
        }
    }

    private static string Holder(SafeFileHandle file) => ReadHolder(file) is { } process ? $" (process {process})" : "";

    private static int? ReadHolder(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[MaxPidDigits];
        int length = Posix.Read(file, text);
        return int.TryParse(text[..length], NumberStyles.None, CultureInfo.InvariantCulture, out int process) ? process : null;
    }

    private sealed class Holding((uint, uint, ulong) identity, SafeFileHandle file)
    {
        public (uint, uint, ulong) Identity { get; } = identity;

        public SafeFileHandle File { get; } = file;

        public int Count { get; set; }
    }
}
