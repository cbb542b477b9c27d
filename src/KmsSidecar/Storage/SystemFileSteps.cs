using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>The steps as the kernel does them.</summary>
internal sealed class SystemFileSteps : IFileSteps
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public SafeFileHandle CreateExclusive(string path) =>
        Posix.Open(path, Posix.OpenWriteOnly | Posix.OpenCreate | Posix.OpenExclusive | Posix.OpenAppend, OwnerOnly);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content) => Posix.Write(file, content);

    public void Truncate(SafeFileHandle file, long length) => Posix.Truncate(file, length);

    public void SetMode(SafeFileHandle file, UnixFileMode mode)
    {
        Posix.SetMode(file, mode);

        // File systems without permissions of their own (vfat, some network mounts) say yes and change nothing.
        if (Posix.Status(file).Permissions != mode)
        {
            throw new PosixException(Errno.NotPermitted);
        }
    }

    public void Flush(SafeFileHandle file) => Posix.Flush(file);

    public void Rename(string from, string to) => Posix.Rename(from, to);

    public void Link(string existing, string path) => Posix.Link(existing, path);

    public void Unlink(string path) => Posix.Unlink(path);

    public void MakeDirectory(string path) => Posix.MakeDirectory(path, DurableDirectory.PrivateMode);

    public void FlushDirectory(string path)
    {
        using SafeFileHandle directory = Posix.Open(path, Posix.OpenReadOnly | Posix.OpenDirectory);
        Posix.Flush(directory);
    }
}
