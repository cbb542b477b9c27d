using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Tests.Storage;

internal enum StopPoint
{
    Before,

    /// <summary>A write puts half of its bytes down.</summary>
    Halfway,
    After,
}

/// <summary>The process is gone: nothing catches this, and nothing is done on the disk after it.</summary>
internal sealed class ProcessStoppedException : Exception;

/// <summary>Stops the process at one step.</summary>
internal sealed class StoppingSteps(IFileSteps disk, int stopAt, StopPoint point) : IFileSteps
{
    public const int Never = -1;

    private bool _stopped;

    public int Count { get; private set; }

    /// <summary>Numbers of the steps that can stop halfway.</summary>
    public HashSet<int> Divisible { get; } = [];

    public SafeFileHandle CreateExclusive(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            Step(() => file = disk.CreateExclusive(path));
            return file!;
        }
        catch (ProcessStoppedException)
        {
            file?.Dispose();
            throw;
        }
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        byte[] copy = content.ToArray();
        Step(() => disk.Write(file, copy), () => disk.Write(file, copy.AsSpan(0, copy.Length / 2)));
    }

    public void Truncate(SafeFileHandle file, long length) => Step(() => disk.Truncate(file, length));

    public void SetMode(SafeFileHandle file, UnixFileMode mode) => Step(() => disk.SetMode(file, mode));

    public void Flush(SafeFileHandle file) => Step(() => disk.Flush(file));

    public void Rename(string from, string to) => Step(() => disk.Rename(from, to));

    public void Link(string existing, string path) => Step(() => disk.Link(existing, path));

    public void Unlink(string path) => Step(() => disk.Unlink(path));

    public void MakeDirectory(string path) => Step(() => disk.MakeDirectory(path));

    public void FlushDirectory(string path) => Step(() => disk.FlushDirectory(path));

    private void Step(Action whole, Action? half = null)
    {
        if (_stopped)
        {
            throw new ProcessStoppedException();
        }

        if (half is not null)
        {
            Divisible.Add(Count);
        }

        if (Count++ != stopAt)
        {
            whole();
            return;
        }

        _stopped = true;
        if (point == StopPoint.After)
        {
            whole();
        }
        else if (point == StopPoint.Halfway)
        {
            half!();
        }

        throw new ProcessStoppedException();
    }
}
