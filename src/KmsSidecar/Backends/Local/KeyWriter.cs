using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>Makes, changes, rotates and destroys the keys of a directory; what it has done is on disk when it returns.</summary>
/// <remarks>
/// <para>One call at a time. Each begins with the record as it is on disk, so that what RustFS has changed there meanwhile is not undone.</para>
/// <para>Requests may hold a key that is destroyed: its material is zeroed a minute later, which is longer than any request lives.</para>
/// </remarks>
/// <param name="orphans">Ids that have later versions but no record.</param>
internal sealed class KeyWriter(KeyDirectory directory, MaterialCipher cipher, Keyring keys, HashSet<string> orphans, TimeProvider clock) : IDisposable
{
    private const string CreatedBy = "local-kms";

    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(1);

    private readonly Queue<(long Since, LocalKey Key)> _destroyed = new();

    /// <exception cref="KmsException">InvalidKeyId, KeyExists, StorageFailed.</exception>
    public KeyDescription Create(NewKey request)
    {
        if (!KeyId.IsLegal(request.KeyId))
        {
            throw new KmsException(KmsError.InvalidKeyId);
        }

        if (orphans.Contains(request.KeyId))
        {
            throw new KmsException(
                KmsError.KeyExists,
                $"{directory.FullPath} has later versions of a key '{request.KeyId}' whose {KeyDirectory.FileNameOf(request.KeyId)} is gone; restore it, or move them away and start the service anew");
        }

        using SecretBytes material = SecretBytes.Random(AeadKey.KeyLength);
        using KeyFile file = NewFile(request, material);
        if (keys.Holds(request.KeyId) || !directory.TryCreate(file))
        {
            throw new KmsException(KmsError.KeyExists);
        }

        LocalKey key = new(file.Describe(), [new LocalKeyVersion(file.Version, file.CreatedAt, AeadKey.From(material.Span))]);
        keys.Add(key);
        return key.Description;
    }

    /// <inheritdoc cref="IKeyBackend.ChangeAsync"/>
    public KeyDescription Change(string keyId, KeyChange change)
    {
        (KeySlot slot, LocalKey key) = Require(keyId);
        lock (slot)
        {
            using StoredKeyFile stored = RequireRecord(keyId);
            KeyDescription before = stored.Record!.Describe();
            KeyDescription after = KeyRules.Apply(before, change);
            if (!ReferenceEquals(before, after))
            {
                using KeyFile changed = stored.Record.With(after);
                directory.Replace(changed);
            }

            keys.Replace(slot, key.With(after));
            return after;
        }
    }

    /// <summary>The key as its record says now: RustFS may have cancelled a deletion there.</summary>
    public KeyDescription Refresh(string keyId)
    {
        (KeySlot slot, LocalKey key) = Require(keyId);
        lock (slot)
        {
            using StoredKeyFile stored = directory.Read(keyId);
            KeyDescription now = stored.Record?.Describe() ?? key.Description;
            keys.Replace(slot, key.With(now));
            return now;
        }
    }

    /// <inheritdoc cref="IKeyBackend.RotateAsync"/>
    /// <remarks>A version that a crash left frozen and unnamed is taken up; a file of that number that does not open is passed over.</remarks>
    public KeyDescription Rotate(string keyId)
    {
        (KeySlot slot, LocalKey key) = Require(keyId);
        lock (slot)
        {
            using StoredKeyFile stored = RequireRecord(keyId);
            KeyDescription before = stored.Record!.Describe();
            KeyRules.RequireRotatable(before);
            uint next = before.Version + 1;
            while (key.Find(next) is null)
            {
                if (Freeze(slot, stored.Record, next) is { } frozen)
                {
                    key = key.With(frozen);
                    keys.Replace(slot, key);
                }
                else
                {
                    next++;
                }
            }

            KeyDescription after = before with { Version = next, RotatedAt = ZonedTimestamp.Format(clock.GetUtcNow()) };
            using KeyFile changed = stored.Record.With(after, key.First.Number);
            directory.Replace(changed);
            keys.Replace(slot, key.With(after));
            return after;
        }
    }

    /// <inheritdoc cref="IKeyBackend.DestroyAsync"/>
    /// <remarks>First the record says that the key is gone, then the later versions go, then the record: no version is left without it.</remarks>
    public void Destroy(string keyId, DateTimeOffset? ifDueBy)
    {
        (KeySlot slot, LocalKey key) = Require(keyId);
        lock (slot)
        {
            using StoredKeyFile stored = directory.Read(keyId);
            KeyDescription now = stored.Record?.Describe() ?? key.Description;
            KeyRules.RequireDue(now, ifDueBy);
            KeyDescription gone = now with
            {
                State = KeyState.Unavailable,
                StateBeforeDeletion = null,
                DeletionDate = ZonedTimestamp.Format(clock.GetUtcNow()),
            };
            if (stored.Record is { } record && record.State != KeyState.Unavailable)
            {
                using KeyFile tombstone = record.With(gone);
                directory.Replace(tombstone);
            }

            keys.Replace(slot, key.With(gone));
            foreach (uint version in slot.VersionFiles)
            {
                directory.DeleteVersion(keyId, version);
            }

            directory.DeleteRecord(keyId);
            keys.Remove(slot);
            _destroyed.Enqueue((clock.GetTimestamp(), key));
        }
    }

    /// <summary>Zeroes what was destroyed long enough ago that no request holds it.</summary>
    public void WipeDestroyed()
    {
        while (_destroyed.TryPeek(out (long Since, LocalKey Key) oldest) && clock.GetElapsedTime(oldest.Since) > LongestRequest)
        {
            _destroyed.Dequeue().Key.Wipe();
        }
    }

    public void Dispose()
    {
        while (_destroyed.TryDequeue(out (long Since, LocalKey Key) destroyed))
        {
            destroyed.Key.Wipe();
        }
    }

    /// <summary>Makes material for a version and the file that holds it; null when that number is taken.</summary>
    private LocalKeyVersion? Freeze(KeySlot slot, KeyFile record, uint version)
    {
        using SecretBytes first = OpenFirst(record);
        using SecretBytes material = SecretBytes.Random(AeadKey.KeyLength);
        (byte[] nonce, SecretBytes @sealed) = cipher.SealVersion(record.KeyId, version, first.Span, material.Span);
        using KeyVersionFile file = new()
        {
            KeyId = record.KeyId,
            Version = version,
            CreatedAt = ZonedTimestamp.Format(clock.GetUtcNow()),
            Nonce = nonce,
            Material = @sealed,
        };
        bool created = directory.TryCreate(file);

        // A file that was not known to be there goes with the key too when it is destroyed.
        if (!slot.VersionFiles.Contains(version))
        {
            slot.VersionFiles = [.. slot.VersionFiles.Add(version).Order()];
        }

        return created ? new LocalKeyVersion(version, file.CreatedAt, AeadKey.From(material.Span)) : null;
    }

    private SecretBytes OpenFirst(KeyFile record) => cipher.TryOpen(record, out SecretBytes? first) == KeyFileVerdict.Good
        ? first!
        : throw new KmsException(KmsError.KeyDamaged, $"{KeyDirectory.FileNameOf(record.KeyId)} does not open any more: it was changed while the service was running");

    private (KeySlot Slot, LocalKey Key) Require(string keyId)
    {
        KmsError error = keys.TryGet(keyId, out LocalKey? key);
        return error == KmsError.None
            ? (keys.Find(keyId)!, key!)
            : throw (error == KmsError.KeyDamaged
                ? new KmsException(error, $"key '{keyId}' cannot be used: {directory.FullPath} has a file of it that is damaged, which /kms/status names; restore it, or remove it by hand")
                : new KmsException(error, $"key not found: '{keyId}'"));
    }

    /// <summary>The record as it is on disk now.</summary>
    private StoredKeyFile RequireRecord(string keyId)
    {
        StoredKeyFile stored = directory.Read(keyId);
        if (stored.Record is not null)
        {
            return stored;
        }

        string reason = stored.Reason;
        stored.Dispose();
        throw new KmsException(KmsError.KeyDamaged, $"key '{keyId}' cannot be changed, {stored.FileName}: {reason}");
    }

    private KeyFile NewFile(NewKey request, SecretBytes material)
    {
        (byte[] nonce, SecretBytes @sealed) = cipher.Seal(material.Span);
        return new KeyFile
        {
            KeyId = request.KeyId,
            Version = 1,
            Algorithm = "AES_256",
            Usage = KeyFileNames.EncryptDecrypt,
            State = KeyState.Enabled,
            Description = request.Description,
            Metadata = [.. request.Tags],
            CreatedAt = ZonedTimestamp.Format(clock.GetUtcNow()),
            CreatedBy = CreatedBy,
            Material = @sealed,
            Nonce = nonce,
            Protection = AtRestProtection.EncryptedMasterKey,
        };
    }
}
