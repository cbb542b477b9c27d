using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Backends.Local;

/// <summary>RustFS's layout of a local key directory: <c>KEY_ID.key</c> for each key, and one salt.</summary>
internal sealed class KeyDirectory(DurableDirectory files, UnixFileMode fileMode)
{
    public const string SaltFile = ".master-key.salt";

    private const string KeySuffix = ".key";
    private const string RestoreMarker = ".restore-commit.json";

    public string FullPath => files.FullPath;

    public static string FileNameOf(string stem) => stem + KeySuffix;

    /// <exception cref="KmsException">InvalidConfiguration: RustFS was stopped while it restored a backup into this directory.</exception>
    public void RefuseUnfinishedRestore()
    {
        if (files.Exists(RestoreMarker))
        {
            throw new KmsException(
                KmsError.InvalidConfiguration,
                $"{FullPath} holds an unfinished restore ({RestoreMarker}); finish or abort it with RustFS before the directory is used");
        }
    }

    public void Recover() => files.Recover();

    /// <exception cref="KmsException">StorageFailed: the directory is gone or not readable.</exception>
    public void CheckReadable() => files.List();

    /// <summary>All records as they are on disk, not opened yet. A file that cannot be read takes nothing with it.</summary>
    /// <returns>The caller disposes of the files.</returns>
    public List<StoredKeyFile> ReadAll()
    {
        List<StoredKeyFile> stored = [];
        foreach (string name in files.List())
        {
            if (name.EndsWith(KeySuffix, StringComparison.Ordinal))
            {
                stored.Add(StoredKeyFile.Read(files, name, name[..^KeySuffix.Length]));
            }
        }

        return stored;
    }

    /// <summary>False when there is such a key already.</summary>
    public bool TryCreate(KeyFile file) => files.TryCreate(FileNameOf(file.KeyId), file.ToUtf8(), fileMode);

    /// <summary>The salt of the directory. A missing one is made, but only where no record can depend on the one that was lost.</summary>
    /// <param name="created">The salt is new.</param>
    /// <exception cref="KmsException">InvalidConfiguration: the salt is not 16 bytes, or is missing and needed. StorageFailed.</exception>
    public byte[] LoadSalt(IEnumerable<StoredKeyFile> records, out bool created)
    {
        created = false;
        byte[]? salt = TryReadSalt();
        if (salt is not null)
        {
            return salt;
        }

        if (records.FirstOrDefault(record => record.MayNeedSalt) is { } record)
        {
            throw new KmsException(
                KmsError.InvalidConfiguration,
                $"{Path.Join(FullPath, SaltFile)} is missing, and {record.FileName} may need it; put it back from a backup. "
                + "A new salt would make every key unreadable");
        }

        byte[] fresh = new byte[MasterKeyDerivation.SaltLength];
        RandomBytes.Fill(fresh);
        created = files.TryCreate(SaltFile, fresh, fileMode);
        return created ? fresh : TryReadSalt() ?? throw new KmsException(KmsError.StorageFailed, $"{FullPath} changes while it is opened");
    }

    private byte[]? TryReadSalt()
    {
        byte[]? salt = files.TryRead(SaltFile, KeyFile.MaxLength);
        return salt is null || salt.Length == MasterKeyDerivation.SaltLength
            ? salt
            : throw new KmsException(
                KmsError.InvalidConfiguration,
                $"{Path.Join(FullPath, SaltFile)} has {salt.Length} bytes instead of {MasterKeyDerivation.SaltLength}; "
                + "put it back from a backup");
    }
}
