using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;

namespace KmsSidecar.Backends.Local;

/// <summary>What became of one key of a transfer.</summary>
internal enum TransferOutcome
{
    /// <summary>Copied; in a dry run, would be.</summary>
    Transferred,

    /// <summary>The target has it, with the same material.</summary>
    AlreadyThere,

    /// <summary>The target has another key of this name.</summary>
    Conflict,

    /// <summary>RustFS knows one version of a key.</summary>
    Rotated,

    /// <summary>Its deletion has begun.</summary>
    BeingDestroyed,

    /// <summary>It cannot be read, or not be opened.</summary>
    Unreadable,
}

/// <param name="Detail">For people, about this outcome.</param>
internal sealed record TransferredKey(string KeyId, TransferOutcome Outcome, string Detail);

/// <summary>Where keys come from or go to.</summary>
/// <param name="Directory">A key directory.</param>
/// <param name="MasterKey">Its password as UTF-8; stays the caller's.</param>
internal sealed record TransferEnd(string Directory, SecretBytes MasterKey)
{
    /// <inheritdoc cref="LocalBackendSettings.Derive"/>
    public KeyDerivation Derive { get; init; } = MasterKeyDerivation.Argon2Id;
}

/// <summary>Copies the keys of one directory into another, each sealed anew under the other's master key.</summary>
/// <remarks>The source is only read, and may be in use. Nothing in the target is written over, and each key appears in it whole or not at all, so
/// that a transfer that was interrupted is simply done again.</remarks>
internal sealed class KeyTransfer : IDisposable
{
    private readonly KeyDirectory _source;
    private readonly KeyDirectory _target;
    private readonly MaterialCipher _from;

    /// <summary>Null in a dry run into a directory that has no salt yet, and so no key that depends on one.</summary>
    private readonly MaterialCipher? _to;
    private readonly DirectoryLock? _lock;
    private readonly bool _forRustFs;
    private readonly bool _dryRun;

    /// <param name="forRustFs">The target is to be used by RustFS, which knows one version of a key.</param>
    /// <param name="dryRun">Says what would happen; makes and changes nothing.</param>
    /// <exception cref="KmsException">StorageFailed or InvalidConfiguration: a directory cannot be used, or a daemon uses the target.</exception>
    public KeyTransfer(TransferEnd from, TransferEnd to, bool forRustFs, bool dryRun, IFileSteps steps, DirectoryLocks locks)
    {
        (_forRustFs, _dryRun) = (forRustFs, dryRun);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        DurableDirectory source = new(from.Directory, steps);
        DurableDirectory target = new(to.Directory, steps);
        if (source.FullPath == target.FullPath)
        {
            throw new KmsException(KmsError.InvalidConfiguration, $"{source.FullPath} is given as both source and target");
        }

        (_source, _target) = (new KeyDirectory(source, Mode), new KeyDirectory(target, Mode));
        _source.RefuseUnfinishedRestore();

        // Without a salt there are only records that are older than it.
        byte[]? salt = _source.TryReadSalt();
        _from = new MaterialCipher(
            from.MasterKey, salt, salt is null ? static (password, _) => MasterKeyDerivation.LegacySha256(password) : from.Derive);
        try
        {
            if (!dryRun)
            {
                target.EnsurePrivate();
                _lock = LockTarget(locks, target);
                _target.RefuseUnfinishedRestore();
                _target.Recover();
            }

            byte[]? targetSalt = dryRun ? _target.TryReadSalt() : _target.LoadSalt(KeysIn(_target), out _);
            _to = targetSalt is null ? null : new MaterialCipher(to.MasterKey, targetSalt, to.Derive);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>All keys of the source, in order of their ids, each when it is done.</summary>
    public IEnumerable<TransferredKey> Run()
    {
        foreach (KeySlot slot in _source.List(out _).OrderBy(static slot => slot.KeyId, Utf8Order.Instance))
        {
            yield return Transfer(slot);
        }
    }

    public void Dispose()
    {
        _from.Dispose();
        _to?.Dispose();
        _lock?.Dispose();
    }

    private TransferredKey Transfer(KeySlot slot)
    {
        using StoredKeyFile stored = _source.Read(slot.KeyId);
        if (stored.Record is not { } record)
        {
            return new TransferredKey(slot.KeyId, TransferOutcome.Unreadable, stored.Reason);
        }

        if (record.State == KeyState.Unavailable)
        {
            return new TransferredKey(slot.KeyId, TransferOutcome.BeingDestroyed, "its deletion has begun");
        }

        KeyFileVerdict verdict = _from.TryOpen(record, out SecretBytes? first);
        using (first)
        {
            if (first is null)
            {
                return new TransferredKey(slot.KeyId, TransferOutcome.Unreadable, verdict.Sentence());
            }

            if (_forRustFs && (!slot.VersionFiles.IsEmpty || (record.FirstVersion ?? record.Version) != record.Version))
            {
                return new TransferredKey(
                    slot.KeyId, TransferOutcome.Rotated, "it was rotated: RustFS would open only what its first version wrapped; rewrap to a key that was not");
            }

            return Copy(slot, record, first);
        }
    }

    private TransferredKey Copy(KeySlot slot, KeyFile record, SecretBytes first)
    {
        if (record.FirstVersion is { } firstVersion && record.Version != firstVersion && !slot.VersionFiles.Contains(record.Version))
        {
            return new TransferredKey(
                record.KeyId, TransferOutcome.Unreadable, $"{KeyVersionFile.NameOf(record.KeyId, record.Version)}, its newest version, is not there");
        }

        bool isThere = false;
        if (CompareRecord(record, first) is { } existing)
        {
            if (existing.Outcome != TransferOutcome.AlreadyThere)
            {
                return existing;
            }

            isThere = true;
        }

        // The later versions first: once the record is there, all of the key is.
        foreach (uint version in slot.VersionFiles)
        {
            if (CopyVersion(record.KeyId, version, first, isThere) is { } fault)
            {
                return fault;
            }
        }

        if (isThere)
        {
            return new TransferredKey(record.KeyId, TransferOutcome.AlreadyThere, "with the same material");
        }

        if (!_dryRun)
        {
            (byte[] nonce, SecretBytes @sealed) = _to!.Seal(first.Span);
            using KeyFile copy = record.Resealed(@sealed, nonce);
            RequireCreated(_target.TryCreate(copy));
        }

        return new TransferredKey(record.KeyId, TransferOutcome.Transferred, $"{record.State}, version {record.Version}");
    }

    /// <summary>Null when the target has no such record.</summary>
    private TransferredKey? CompareRecord(KeyFile source, SecretBytes first)
    {
        if (!_target.HasRecord(source.KeyId))
        {
            return null;
        }

        using StoredKeyFile there = _target.Read(source.KeyId);
        SecretBytes? opened = null;
        if (there.Record is not { } record || _to?.TryOpen(record, out opened) != KeyFileVerdict.Good)
        {
            return new TransferredKey(source.KeyId, TransferOutcome.Conflict, $"the target has a file of this name that does not open: {there.Reason}");
        }

        using (opened)
        {
            return !opened!.FixedTimeEquals(first) ? new TransferredKey(source.KeyId, TransferOutcome.Conflict, "the target has another key of this name")
                : record.Version < source.Version ? new TransferredKey(
                    source.KeyId, TransferOutcome.Conflict, $"the target has it up to version {record.Version}, and it was rotated to {source.Version} since; copy into a new directory")
                : new TransferredKey(source.KeyId, TransferOutcome.AlreadyThere, "");
        }
    }

    /// <summary>Null when the version is in the target now, or would be.</summary>
    /// <param name="isRequired">The target has the key, and so has to have its versions.</param>
    private TransferredKey? CopyVersion(string keyId, uint version, SecretBytes first, bool isRequired)
    {
        using KeyVersionFile? file = _source.ReadVersion(keyId, version, out string? reason);
        using SecretBytes? material = file is null ? null : _from.TryOpenVersion(file, first.Span);
        if (material is null)
        {
            return new TransferredKey(keyId, TransferOutcome.Unreadable, $"version {version}: {reason ?? "it does not open"}");
        }

        if (_target.HasVersion(keyId, version))
        {
            // Left by a transfer that was interrupted, if it is the same.
            using KeyVersionFile? there = _target.ReadVersion(keyId, version, out _);
            using SecretBytes? opened = there is null ? null : _to?.TryOpenVersion(there, first.Span);
            return opened is not null && opened.FixedTimeEquals(material)
                ? null
                : new TransferredKey(keyId, TransferOutcome.Conflict, $"the target has another {KeyVersionFile.NameOf(keyId, version)}");
        }

        if (isRequired)
        {
            return new TransferredKey(keyId, TransferOutcome.Conflict, $"the target has this key without its {KeyVersionFile.NameOf(keyId, version)}");
        }

        if (!_dryRun)
        {
            (byte[] nonce, SecretBytes @sealed) = _to!.SealVersion(keyId, version, first.Span, material.Span);
            using KeyVersionFile copy = new() { KeyId = keyId, Version = version, CreatedAt = file!.CreatedAt, Nonce = nonce, Material = @sealed };
            RequireCreated(_target.TryCreate(copy));
        }

        return null;
    }

    private void RequireCreated(bool created)
    {
        if (!created)
        {
            throw new KmsException(KmsError.StorageFailed, $"{_target.FullPath} changes while keys are copied into it; end what uses it, and run this again");
        }
    }

    private static IEnumerable<string> KeysIn(KeyDirectory directory) => directory.List(out _).Select(static slot => slot.KeyId);

    private static DirectoryLock LockTarget(DirectoryLocks locks, DurableDirectory target)
    {
        try
        {
            return locks.Acquire(target.FullPath);
        }
        catch (KmsException held)
        {
            throw new KmsException(
                held.Error, $"{held.Message}. Stop it, or copy into a new directory and reconfigure the daemon to that", held);
        }
    }
}
