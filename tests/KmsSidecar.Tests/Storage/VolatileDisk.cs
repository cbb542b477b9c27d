using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Tests.Storage;

/// <summary>A disk with a cache: what was not flushed is at risk until <see cref="LosePower"/>.</summary>
/// <remarks>Contents that were not flushed are cut in half; changes of names that were not flushed are undone, or survive, as the test
/// asks: POSIX promises neither.</remarks>
internal sealed class VolatileDisk : IFileSteps
{
    private readonly SystemFileSteps _disk = new();
    private readonly Dictionary<SafeFileHandle, CachedFile> _open = [];
    private readonly List<(string Directory, Action Undo)> _names = [];

    public SafeFileHandle CreateExclusive(string path)
    {
        SafeFileHandle file = _disk.CreateExclusive(path);
        _open[file] = new CachedFile(path);
        Remember(path, () => File.Delete(path));
        return file;
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        _disk.Write(file, content);
        _open[file].IsFlushed = false;
    }

    public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

    public void SetMode(SafeFileHandle file, UnixFileMode mode) => _disk.SetMode(file, mode);

    public void Flush(SafeFileHandle file)
    {
        _disk.Flush(file);
        _open[file].IsFlushed = true;
    }

    public void Rename(string from, string to)
    {
        byte[]? replaced = File.Exists(to) ? File.ReadAllBytes(to) : null;
        _disk.Rename(from, to);
        foreach (CachedFile file in _open.Values.Where(file => file.Path == from))
        {
            file.Path = to;
        }

        Remember(to, () =>
        {
            File.Move(to, from);
            if (replaced is not null)
            {
                File.WriteAllBytes(to, replaced);
            }
        });
    }

    public void Link(string existing, string path)
    {
        _disk.Link(existing, path);
        Remember(path, () => File.Delete(path));
    }

    public void Unlink(string path)
    {
        byte[]? removed = File.Exists(path) ? File.ReadAllBytes(path) : null;
        _disk.Unlink(path);
        Remember(path, () => File.WriteAllBytes(path, removed!));
    }

    public void MakeDirectory(string path)
    {
        _disk.MakeDirectory(path);
        Remember(path, () => Directory.Delete(path, recursive: true));
    }

    public void FlushDirectory(string path)
    {
        _disk.FlushDirectory(path);
        _names.RemoveAll(change => change.Directory == path);
    }

    public void LosePower(bool keepNames)
    {
        foreach (CachedFile file in _open.Values.Where(file => !file.IsFlushed && File.Exists(file.Path)))
        {
            using FileStream content = File.OpenWrite(file.Path);
            content.SetLength(content.Length / 2);
        }

        if (!keepNames)
        {
            _names.Reverse();
            _names.ForEach(change => change.Undo());
        }
    }

    private void Remember(string path, Action undo) => _names.Add((Path.GetDirectoryName(path)!, undo));

    private sealed class CachedFile(string path)
    {
        public string Path { get; set; } = path;

        public bool IsFlushed { get; set; }
    }
}
