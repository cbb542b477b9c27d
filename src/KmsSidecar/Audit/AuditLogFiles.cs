using System.Collections.Immutable;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Audit;

/// <summary>The directory of the log: where it was left, its files, and which of them go.</summary>
/// <remarks>One thread at a time. Members throw <see cref="KmsException"/> with StorageFailed.</remarks>
internal sealed class AuditLogFiles(string path, IFileSteps steps, DirectoryLocks locks) : IDisposable
{
    /// <summary>The group may read: a directory with a group of its own (setgid) lets a collector of logs in.</summary>
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private const UnixFileMode DirectoryMode = DurableDirectory.PrivateMode | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private readonly DurableDirectory _directory = new(path, steps);
    private DirectoryLock? _lock;

    public string FullPath => _directory.FullPath;

    /// <summary>Makes the directory where it is missing, and holds it.</summary>
    public void Open()
    {
        _lock?.Dispose();
        _lock = null;
        _directory.EnsureExists(DirectoryMode);
        _lock = locks.Acquire(FullPath);
        _directory.Recover();
    }

    /// <summary>How the log ends; null when there is none. A file without a whole line is set aside: the next one takes its name.</summary>
    /// <param name="firstSequence">Of the last file.</param>
    public AuditTail? ReadTail(out long firstSequence)
    {
        foreach (string name in AuditFileNames.InOrder(_directory.List()).Reverse())
        {
            AuditTail tail = AuditTail.Read(Path.Join(FullPath, name));
            if (tail.HasLine)
            {
                firstSequence = AuditFileNames.FirstSequence(name)!.Value;
                return tail;
            }

            SetAside(Path.Join(FullPath, name));
        }

        firstSequence = 0;
        return null;
    }

    public GrowingFile Create(long firstSequence) => GrowingFile.Create(Path.Join(FullPath, AuditFileNames.Of(firstSequence)), FileMode, steps);

    /// <summary>Puts the key beside the log, so that whoever reads the log can check it.</summary>
    public void Publish(AuditSigner signer)
    {
        string name = AuditFileNames.OfKey(signer.KeyName);
        if (!_directory.Exists(name))
        {
            _directory.Replace(name, Encoding.ASCII.GetBytes(signer.PublicKeyPem), FileMode);
        }
    }

    /// <summary>The oldest file, when all of them together take too much; null when nothing is to go. The one in use stays.</summary>
    /// <param name="through">Its last record.</param>
    public string? FindSurplus(long keptBytes, out long through)
    {
        ImmutableArray<string> names = AuditFileNames.InOrder(_directory.List());
        long total = 0;
        foreach (string name in names)
        {
            FileInfo file = new(Path.Join(FullPath, name));
            total += file.Exists ? file.Length : 0;
        }

        through = names.Length > 1 ? AuditFileNames.FirstSequence(names[1])!.Value - 1 : 0;
        return names.Length > 1 && total > keptBytes ? names[0] : null;
    }

    public void Delete(string name) => _directory.Delete(name);

    public void Dispose() => _lock?.Dispose();

    private void SetAside(string file)
    {
        try
        {
            steps.Rename(file, $"{file}.torn");
        }
        catch (PosixException e)
        {
            throw new KmsException(KmsError.StorageFailed, e.Cause, $"cannot rename {file}: {e.Message}", e);
        }
    }
}
