using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Tests.Storage;

/// <summary>A disk that is full for as long as a test says so: half of what is written still finds room.</summary>
internal sealed class FillingDisk : IFileSteps
{
    private readonly SystemFileSteps _disk = new();

    public bool IsFull { get; set; }

    public SafeFileHandle CreateExclusive(string path)
    {
        Refuse();
        return _disk.CreateExclusive(path);
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        _disk.Write(file, IsFull ? content[..(content.Length / 2)] : content);
        Refuse();
    }

    public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

    public void SetMode(SafeFileHandle file, UnixFileMode mode) => _disk.SetMode(file, mode);

    public void Flush(SafeFileHandle file) => _disk.Flush(file);

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Link(string existing, string path) => _disk.Link(existing, path);

    public void Unlink(string path) => _disk.Unlink(path);

    public void MakeDirectory(string path)
    {
        Refuse();
        _disk.MakeDirectory(path);
    }

    public void FlushDirectory(string path) => _disk.FlushDirectory(path);

    private void Refuse()
    {
        if (IsFull)
        {
            throw new PosixException(Errno.NoSpace);
        }
    }
}
