using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>No new file finds room; what is there can be read, and directories flushed.</summary>
internal sealed class FullDisk : IFileSteps
{
    private readonly SystemFileSteps _disk = new();

    public SafeFileHandle CreateExclusive(string path) => throw new PosixException(Errno.NoSpace);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content) => throw new PosixException(Errno.NoSpace);

    public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

    public void SetMode(SafeFileHandle file, UnixFileMode mode) => _disk.SetMode(file, mode);

    public void Flush(SafeFileHandle file) => _disk.Flush(file);

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Link(string existing, string path) => _disk.Link(existing, path);

    public void Unlink(string path) => _disk.Unlink(path);

    public void MakeDirectory(string path) => throw new PosixException(Errno.NoSpace);

    public void FlushDirectory(string path) => _disk.FlushDirectory(path);
}
