using KmsSidecar.Errors;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>A new file that grows by appends, each of which is in it whole or not at all as long as the process lives.</summary>
/// <remarks>One thread at a time. Every member throws <see cref="KmsException"/> with StorageFailed, which names the path and the reason.</remarks>
internal sealed class GrowingFile : IDisposable
{
    private readonly IFileSteps _steps;
    private readonly SafeFileHandle _file;
    private bool _isTorn;

    private GrowingFile(string path, SafeFileHandle file, IFileSteps steps) => (FullPath, _file, _steps) = (path, file, steps);

    public string FullPath { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Whether the path still leads to this file: nobody has moved or deleted it.</summary>
    public bool IsInPlace
    {
        get
        {
            try
            {
                return Posix.Status(FullPath).Identity == Posix.Status(_file).Identity;
            }
            catch (PosixException)
            {
                return false;
            }
        }
    }

    /// <summary>Makes an empty file, whose name lasts.</summary>
    public static GrowingFile Create(string path, UnixFileMode mode, IFileSteps steps)
    {
        SafeFileHandle? file = null;
        try
        {
            file = steps.CreateExclusive(path);
            steps.SetMode(file, mode);
            steps.FlushDirectory(Path.GetDirectoryName(path)!);
            return new GrowingFile(path, file, steps);
        }
        catch (PosixException e)
        {
            file?.Dispose();
            throw Failure("create", path, e);
        }
    }

    /// <summary>When it throws, nothing of the content is in the file, or goes before the next append does.</summary>
    public void Append(ReadOnlySpan<byte> content)
    {
        try
        {
            Mend();
            _isTorn = true;
            _steps.Write(_file, content);
            _isTorn = false;
            Length += content.Length;
        }
        catch (PosixException e)
        {
            TryMend();
            throw Failure("write", FullPath, e);
        }
    }

    /// <summary>What was appended outlasts a power cut when it returns.</summary>
    public void Flush()
    {
        try
        {
            _steps.Flush(_file);
        }
        catch (PosixException e)
        {
            throw Failure("flush", FullPath, e);
        }
    }

    public void Dispose() => _file.Dispose();

    private void Mend()
    {
        if (_isTorn)
        {
            _steps.Truncate(_file, Length);
            _isTorn = false;
        }
    }

    private void TryMend()
    {
        try
        {
            Mend();
        }
        catch (PosixException)
        {
            // The next append tries again before it writes.
        }
    }

    private static KmsException Failure(string action, string path, PosixException e) =>
        new(KmsError.StorageFailed, e.Cause, $"cannot {action} {path}: {e.Message}", e);
}
