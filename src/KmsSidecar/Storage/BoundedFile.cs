using System.Security.Cryptography;
using KmsSidecar.Errors;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>Reads whole small files, never more than the caller is prepared for.</summary>
internal static class BoundedFile
{
    /// <summary>The content; null when there is no such file. Only regular files are read.</summary>
    /// <param name="maxBytes">A longer file is refused before any of it is read.</param>
    /// <param name="followSymbolicLinks">For paths that an operator gives: credentials are often links. Not for our own files.</param>
    /// <param name="findFault">Says why a file of this owner and mode is refused; looked at on the open file, so it cannot be exchanged.</param>
    /// <returns>A pinned array, so that a caller who reads a secret can wipe the only copy.</returns>
    /// <exception cref="KmsException">StorageFailed.</exception>
    public static byte[]? TryRead(
        string path, int maxBytes, bool followSymbolicLinks = false, Func<FileStatus, string?>? findFault = null)
    {
        try
        {
            int flags = Posix.OpenReadOnly | Posix.OpenNonBlocking | (followSymbolicLinks ? 0 : Posix.OpenNoFollow);
            using SafeFileHandle file = Posix.Open(path, flags);
            FileStatus status = Posix.Status(file);
            if (!status.IsRegularFile)
            {
                throw Unusable($"cannot read {path}: it is not a regular file");
            }

            if (status.Size > (ulong)maxBytes)
            {
                throw Unusable($"cannot read {path}: it is longer than {maxBytes} bytes");
            }

            if (findFault?.Invoke(status) is string fault)
            {
                throw new KmsException(KmsError.StorageFailed, FaultCause.NoPermission, fault);
            }

            return ReadAll(file, path, (int)status.Size);
        }
        catch (PosixException e) when (e.Errno == Errno.NotFound)
        {
            return null;
        }
        catch (PosixException e)
        {
            throw new KmsException(KmsError.StorageFailed, e.Cause, $"cannot read {path}: {e.Message}", e);
        }
    }

    private static byte[] ReadAll(SafeFileHandle file, string path, int length)
    {
        byte[] content = GC.AllocateArray<byte>(length, pinned: true);
        bool complete = false;
        try
        {
            complete = Posix.Read(file, content) == length;
            return complete ? content : throw new KmsException(KmsError.StorageFailed, $"cannot read {path}: it changed while it was read");
        }
        finally
        {
            if (!complete)
            {
                CryptographicOperations.ZeroMemory(content);
            }
        }
    }

    private static KmsException Unusable(string message) => new(KmsError.StorageFailed, FaultCause.Setting, message);
}
