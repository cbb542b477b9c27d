using System.Net.Sockets;
using KmsSidecar.Errors;
using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Hosting;

/// <summary>The path of a Unix socket, for this process alone until this object is disposed of.</summary>
/// <remarks>
/// <para>.NET unlinks a socket's path when it closes the socket, whoever has bound the path since; and between finding that nobody answers and
/// unlinking the path another daemon may have bound it. So a lock, flock(2) on a file beside the socket, is held from before the look until
/// after the socket has been closed. It ends with the process, however the process ends; the empty file stays.</para>
/// </remarks>
internal sealed class SocketClaim : IDisposable
{
    private const UnixFileMode LockMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SafeFileHandle _lock;

    private SocketClaim(SafeFileHandle heldLock, bool removedStale)
    {
        _lock = heldLock;
        RemovedStale = removedStale;
    }

    /// <summary>A crash had left its socket behind.</summary>
    public bool RemovedStale { get; }

    /// <summary>Makes the directory if need be, and the path free to bind.</summary>
    /// <exception cref="ListenException">The path is in use, holds something else than a socket, or cannot be written.</exception>
    public static SocketClaim Take(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            SafeFileHandle file = Posix.Open(
                $"{path}.lock", Posix.OpenReadWrite | Posix.OpenCreate | Posix.OpenNoFollow | Posix.OpenNonBlocking, LockMode);
            try
            {
                return Posix.TryLock(file)
                    ? new SocketClaim(file, RemoveStale(path))
                    : throw InUse($"{path} is in use by another kms-sidecar");
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or PosixException)
        {
            int errno = refused switch
            {
                PosixException posix => posix.Errno,
                UnauthorizedAccessException => Errno.AccessDenied,
                _ => refused.HResult,
            };
            throw new ListenException($"{path} cannot be used: {Errno.Describe(errno)}", refused, Errno.CauseOf(errno));
        }
    }

    public void Dispose()
    {
        if (!_lock.IsClosed)
        {
            Posix.Unlock(_lock);
            _lock.Dispose();
        }
    }

    /// <summary>Whether there is a socket at the path already.</summary>
    /// <exception cref="ListenException">There is something else.</exception>
    public static bool IsTaken(string path)
    {
        FileInfo found = new(path);
        if (!found.Exists && found.LinkTarget is null && !Directory.Exists(path))
        {
            return false;
        }

        return found.LinkTarget is null && Posix.Status(path).IsSocket
            ? true
            : throw new ListenException($"{path} is not a socket; remove it or give another path", cause: FaultCause.Setting);
    }

    public static ListenException InUse(string what) =>
        new($"{what}; end that one, or give another path", cause: FaultCause.Held);

    /// <summary>Removes a socket on which nobody answers.</summary>
    private static bool RemoveStale(string path)
    {
        if (!IsTaken(path))
        {
            return false;
        }

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return true;
        }
        catch (SocketException unclear)
        {
            throw new ListenException($"{path} cannot be used: {unclear.Message}", unclear);
        }

        throw InUse($"{path} is in use: another process answers on it");
    }
}
