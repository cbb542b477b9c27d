using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Backends.Local;

/// <summary>RustFS's layout of a local key directory: <c>KEY_ID.key</c> for each key, and one salt; and beside it our <c>KEY_ID.vN</c> for each
/// later version of a key.</summary>
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

    /// <summary>What there is, by name; nothing is read.</summary>
    /// <param name="orphans">Ids that have later versions but no record: what is left of keys that something else removed.</param>
    public List<KeySlot> List(out HashSet<string> orphans)
    {
        List<string> ids = [];
        Dictionary<string, List<uint>> versions = new(StringComparer.Ordinal);
        foreach (string name in files.List())
        {
            if (name.EndsWith(KeySuffix, StringComparison.Ordinal))
            {
                ids.Add(name[..^KeySuffix.Length]);
            }
            else if (KeyVersionFile.TryParseName(name, out string keyId, out uint version))
            {
                (versions.TryGetValue(keyId, out List<uint>? numbers) ? numbers : versions[keyId] = []).Add(version);
            }
        }

        List<KeySlot> slots = new(ids.Count);
        foreach (string id in ids)
        {
            slots.Add(new KeySlot(id, versions.Remove(id, out List<uint>? numbers) ? [.. numbers.Order()] : []));
        }

        orphans = versions.Keys.ToHashSet(StringComparer.Ordinal);
        return slots;
    }

    public bool HasRecord(string keyId) => files.Exists(FileNameOf(keyId));

    public bool HasVersion(string keyId, uint version) => files.Exists(KeyVersionFile.NameOf(keyId, version));

    /// <summary>A record as it is on disk, not opened yet, or why there is none. The caller disposes it.</summary>
    public StoredKeyFile Read(string keyId) => StoredKeyFile.Read(files, FileNameOf(keyId), keyId);

    /// <param name="reason">Why there is none.</param>
    public KeyVersionFile? ReadVersion(string keyId, uint version, out string? reason)
    {
        try
        {
            byte[]? content = files.TryRead(KeyVersionFile.NameOf(keyId, version), KeyVersionFile.MaxLength);
            KeyVersionFile? file = content is null ? null : KeyVersionFile.TryRead(content, keyId, version);
            reason = content is null ? "the file is gone" : file is null ? "the file is not a key version: it is damaged, or cut short" : null;
            return file;
        }
        catch (KmsException unreadable)
        {
            reason = unreadable.Message;
            return null;
        }
    }

    /// <summary>False when there is such a key already.</summary>
    public bool TryCreate(KeyFile file)
    {
        using SecretBuffer content = file.ToUtf8();
        return files.TryCreate(FileNameOf(file.KeyId), content.WrittenSpan, fileMode);
    }

    /// <summary>False when there is such a version already: what is frozen under a number is never written over.</summary>
    public bool TryCreate(KeyVersionFile file) => files.TryCreate(KeyVersionFile.NameOf(file.KeyId, file.Version), file.ToUtf8(), fileMode);

    public void Replace(KeyFile file)
    {
        using SecretBuffer content = file.ToUtf8();
        files.Replace(FileNameOf(file.KeyId), content.WrittenSpan, fileMode);
    }

    public void DeleteRecord(string keyId) => files.Delete(FileNameOf(keyId));

    public void DeleteVersion(string keyId, uint version) => files.Delete(KeyVersionFile.NameOf(keyId, version));

    /// <summary>The salt of the directory. A missing one is made, but only where no record can depend on the one that was lost.</summary>
    /// <param name="keyIds">All records, which are read only when the salt is missing.</param>
    /// <param name="created">The salt is new.</param>
    /// <exception cref="KmsException">InvalidConfiguration: the salt is not 16 bytes, or is missing and needed. StorageFailed.</exception>
    public byte[] LoadSalt(IEnumerable<string> keyIds, out bool created)
    {
        created = false;
        byte[]? salt = TryReadSalt();
        if (salt is not null)
        {
            return salt;
        }

        RefuseNewSalt(keyIds);
        byte[] fresh = new byte[MasterKeyDerivation.SaltLength];
        RandomBytes.Fill(fresh);
        created = files.TryCreate(SaltFile, fresh, fileMode);
        return created ? fresh : TryReadSalt() ?? throw new KmsException(KmsError.StorageFailed, $"{FullPath} changes while it is opened");
    }

    /// <summary>A new salt may be made only where no record can depend on one that was lost.</summary>
    /// <param name="keyIds">All records.</param>
    /// <exception cref="KmsException">InvalidConfiguration: one may.</exception>
    public void RefuseNewSalt(IEnumerable<string> keyIds)
    {
        foreach (string id in keyIds.Order(Utf8Order.Instance))
        {
            using StoredKeyFile record = Read(id);
            if (record.MayNeedSalt)
            {
                throw new KmsException(
                    KmsError.InvalidConfiguration,
                    $"{Path.Join(FullPath, SaltFile)} is missing, and {record.FileName} may need it; put it back from a backup. "
                    + "A new salt would make every key unreadable");
            }
        }
    }

    /// <summary>Null when there is none.</summary>
    /// <exception cref="KmsException">InvalidConfiguration: the salt is not 16 bytes. StorageFailed.</exception>
    public byte[]? TryReadSalt()
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
