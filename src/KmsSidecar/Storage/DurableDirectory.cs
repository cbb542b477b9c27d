using KmsSidecar.Errors;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>One private directory whose files survive a crash at any moment whole: the old content or the new one, never a part.</summary>
/// <remarks>
/// <para>A file is written under a temporary name, given its mode, flushed, published by rename(2) or link(2), then the directory is
/// flushed: when a method returns, its effect outlasts a power cut. When it throws, the effect may or may not have taken place.</para>
/// <para>Names are single path components chosen by the program. Calls that change the same name are serialised by the caller.
/// Every member throws <see cref="KmsException"/> with StorageFailed, which names the path and the reason.</para>
/// </remarks>
internal sealed class DurableDirectory(string path, IFileSteps steps)
{
    /// <summary>0700.</summary>
    public const UnixFileMode PrivateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const UnixFileMode EveryonesPermissions = (UnixFileMode)0x1ff;

    /// <summary>Absolute.</summary>
    public string FullPath { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <summary>Makes the directory, and those above it, if missing; takes away whatever others may do with it.</summary>
    /// <returns>The permissions found, when they had to be narrowed; otherwise null.</returns>
    public UnixFileMode? EnsurePrivate()
    {
        try
        {
            MakeMissing(FullPath);
            using SafeFileHandle directory = Posix.Open(FullPath, Posix.OpenReadOnly | Posix.OpenDirectory);
            UnixFileMode found = Posix.Status(directory).Permissions;
            if ((found & EveryonesPermissions) == PrivateMode)
            {
                return null;
            }

            steps.SetMode(directory, PrivateMode);
            return found;
        }
        catch (PosixException e)
        {
            throw Unprepared(e);
        }
    }

    /// <summary>Why the directory could not be made, or files in it, told without a try; null when they could.</summary>
    public KmsException? FindFault()
    {
        string found = FullPath;
        while (!Path.Exists(found) && Path.GetDirectoryName(found) is { } above)
        {
            found = above;
        }

        return Posix.FindEntryFault(found) is not 0 and int errno
            ? new KmsException(
                KmsError.StorageFailed,
                Errno.CauseOf(errno),
                $"cannot {(found == FullPath ? "write to" : "make")} the directory {FullPath}: {ServiceSandbox.Explain(FullPath, errno)}",
                new PosixException(errno))
            : null;
    }

    /// <summary>Makes the directory with these permissions if it is missing, and private ones above it; one that is there stays as it is.</summary>
    public void EnsureExists(UnixFileMode mode)
    {
        if (Directory.Exists(FullPath))
        {
            return;
        }

        try
        {
            MakeMissing(FullPath);
            using SafeFileHandle directory = Posix.Open(FullPath, Posix.OpenReadOnly | Posix.OpenDirectory);
            steps.SetMode(directory, mode);
        }
        catch (PosixException e)
        {
            throw Unprepared(e);
        }
    }

    /// <summary>Writes a file, or puts new content in the place of the old.</summary>
    public void Replace(string name, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        string target = PathOf(name);
        string temp = PathOf(TempName.For(name));
        try
        {
            WriteTemp(temp, content, mode);
            steps.Rename(temp, target);
            steps.FlushDirectory(FullPath);
        }
        catch (PosixException e)
        {
            Discard(temp);
            throw Failure("write", target, e);
        }
    }

    /// <summary>Writes a file that does not exist yet; false, with nothing changed, when the name is taken.</summary>
    public bool TryCreate(string name, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        string target = PathOf(name);
        string temp = PathOf(TempName.For(name));
        bool published = false;
        try
        {
            WriteTemp(temp, content, mode);
            published = TryLink(temp, target);
            if (published)
            {
                steps.FlushDirectory(FullPath);
            }
        }
        catch (PosixException e)
        {
            // What the caller is told did not happen must not stand in the way of the next attempt.
            if (published)
            {
                Discard(target);
            }

            Discard(temp);
            throw Failure("create", target, e);
        }

        Discard(temp);
        return published;
    }

    /// <summary>False when there was no such file.</summary>
    public bool Delete(string name)
    {
        string target = PathOf(name);
        try
        {
            steps.Unlink(target);
            steps.FlushDirectory(FullPath);
            return true;
        }
        catch (PosixException e) when (e.Errno == Errno.NotFound)
        {
            return false;
        }
        catch (PosixException e)
        {
            throw Failure("delete", target, e);
        }
    }

    /// <inheritdoc cref="BoundedFile.TryRead"/>
    public byte[]? TryRead(string name, int maxBytes) => BoundedFile.TryRead(PathOf(name), maxBytes);

    public bool Exists(string name) => Path.Exists(PathOf(name));

    /// <summary>Names of everything in the directory, in no order. What is not UTF-8 in a name appears as U+FFFD.</summary>
    public string[] List()
    {
        try
        {
            string[] names = Directory.GetFileSystemEntries(FullPath);
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = Path.GetFileName(names[i]);
            }

            return names;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            int errno = e switch
            {
                DirectoryNotFoundException => Errno.NotFound,
                UnauthorizedAccessException => Errno.AccessDenied,
                _ => e.HResult,
            };
            throw new KmsException(KmsError.StorageFailed, Errno.CauseOf(errno), $"cannot list {FullPath}: {Errno.Describe(errno)}", e);
        }
    }

    /// <summary>Clears up after a crash: what was not published goes; what was published without its last flush gets it, before anyone
    /// builds on it. Only for the one process that writes here.</summary>
    public void Recover()
    {
        foreach (string name in List())
        {
            if (TempName.Matches(name))
            {
                Discard(PathOf(name));
            }
        }

        try
        {
            steps.FlushDirectory(FullPath);
        }
        catch (PosixException e)
        {
            throw Failure("flush", FullPath, e);
        }
    }

    private void MakeMissing(string directory)
    {
        if (Path.Exists(directory))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(directory);
        if (parent is null)
        {
            return;
        }

        MakeMissing(parent);
        steps.MakeDirectory(directory);
        steps.FlushDirectory(parent);
    }

    private void WriteTemp(string temp, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        using SafeFileHandle file = steps.CreateExclusive(temp);
        steps.Write(file, content);
        steps.SetMode(file, mode);
        steps.Flush(file);
    }

    private bool TryLink(string temp, string target)
    {
        try
        {
            steps.Link(temp, target);
            return true;
        }
        catch (PosixException e) when (e.Errno == Errno.Exists)
        {
            return false;
        }
    }

    private void Discard(string file)
    {
        try
        {
            steps.Unlink(file);
        }
        catch (PosixException)
        {
            // Published already, never made, or a directory: none of it hurts, and the next start tries again.
        }
    }

    private string PathOf(string name)
    {
        if (name is "" or "." or ".." || name.AsSpan().ContainsAny('/', '\0'))
        {
            throw new ArgumentException("not a single path component", nameof(name));
        }

        return Path.Join(FullPath, name);
    }

    private KmsException Unprepared(PosixException e) =>
        new(KmsError.StorageFailed, e.Cause, $"cannot prepare the directory {FullPath}: {ServiceSandbox.Explain(FullPath, e.Errno)}", e);

    private static KmsException Failure(string action, string target, PosixException e) =>
        new(KmsError.StorageFailed, e.Cause, $"cannot {action} {target}: {e.Message}", e);
}
