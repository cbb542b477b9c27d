using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Tests.Storage;

/// <summary>One step is refused with an error number; the process goes on.</summary>
internal sealed class FailingSteps(IFileSteps disk, int failAt, int errno) : IFileSteps
{
    private int _count;

    public SafeFileHandle CreateExclusive(string path)
    {
        Refuse();
        return disk.CreateExclusive(path);
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        Refuse();
        disk.Write(file, content);
    }

    public void Truncate(SafeFileHandle file, long length)
    {
        Refuse();
        disk.Truncate(file, length);
    }

    public void SetMode(SafeFileHandle file, UnixFileMode mode)
    {
        Refuse();
        disk.SetMode(file, mode);
    }

    public void Flush(SafeFileHandle file)
    {
        Refuse();
        disk.Flush(file);
    }

    public void Rename(string from, string to)
    {
        Refuse();
        disk.Rename(from, to);
    }

    public void Link(string existing, string path)
    {
        Refuse();
        disk.Link(existing, path);
    }

    public void Unlink(string path)
    {
        Refuse();
        disk.Unlink(path);
    }

    public void MakeDirectory(string path)
    {
        Refuse();
        disk.MakeDirectory(path);
    }

    public void FlushDirectory(string path)
    {
        Refuse();
        disk.FlushDirectory(path);
    }

    private void Refuse()
    {
        if (_count++ == failAt)
        {
            throw new PosixException(errno);
        }
    }
}
