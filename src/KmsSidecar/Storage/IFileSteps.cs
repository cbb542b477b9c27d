using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>The single steps that change what is on disk, in the grain in which a crash can fall between them.</summary>
/// <remarks>Everything durable goes through here, so that tests can stop the process, tear a write or fill the disk at each step.
/// Every member throws <see cref="PosixException"/>.</remarks>
internal interface IFileSteps
{
    /// <summary>Opens a new file for writing, readable by its owner only; never follows a planted symbolic link.</summary>
    SafeFileHandle CreateExclusive(string path);

    /// <summary>Writes at the file's end.</summary>
    void Write(SafeFileHandle file, ReadOnlySpan<byte> content);

    /// <summary>Takes back what was written beyond a length.</summary>
    void Truncate(SafeFileHandle file, long length);

    /// <summary>Sets exactly these permissions, whatever the umask.</summary>
    void SetMode(SafeFileHandle file, UnixFileMode mode);

    void Flush(SafeFileHandle file);

    void Rename(string from, string to);

    /// <summary>Gives a file a second name; fails with <see cref="Errno.Exists"/> where that name is taken.</summary>
    void Link(string existing, string path);

    void Unlink(string path);

    void MakeDirectory(string path);

    void FlushDirectory(string path);
}
