using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>Makes, changes, rotates and destroys keys. Every write of a record is check-and-set.</summary>
/// <remarks>What it has done is stored when it returns. Where it throws a backend error, the last write may be stored or not; doing the same
/// again is safe. (Rotating again makes one more version, which harms nothing.)</remarks>
internal sealed class TransitWriter(TransitEngine engine, KeyValueStore records, TransitKeys keys, BackendReports reports, TimeProvider clock)
{
    private const int MaxRounds = 3;

    private readonly Dictionary<string, Task<KmsError>> _ensuring = new(StringComparer.Ordinal);
    private volatile bool _isReadOnly;

    /// <exception cref="KmsException">KeyExists, InvalidKeyId, or a backend error.</exception>
    public async ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation)
    {
        string keyId = request.KeyId;
        if (!KeyId.IsLegal(keyId))
        {
            throw new KmsException(KmsError.InvalidKeyId);
        }

        TransitLookup found = await keys.ReadAsync(keyId, cancellation);
        if (found.Error is KmsError.None or KmsError.KeyDamaged)
        {
            throw Taken(keyId, found);
        }

        if (found.Error != KmsError.KeyNotFound)
        {
            throw new KmsException(found.Error, found.Sentence);
        }

        if (found.Cas > 0 && (await engine.ReadKeyAsync(keyId, cancellation)).Error != KmsError.KeyNotFound)
        {
            // What looked like the record of a key that is gone is that of one which was made meanwhile.
            throw Taken(keyId, found);
        }

        await engine.CreateKeyAsync(keyId, cancellation);
        TransitRecord record = TransitRecord.Of(request, clock.GetUtcNow());
        KeyValueWrite write = await records.WriteAsync(keyId, TransitRecordWriter.Write(record), found.Cas, cancellation);
        keys.Forget(keyId);
        if (!write.IsStored)
        {
            throw write.IsConflict
                ? new KmsException(KmsError.KeyExists, $"a key '{keyId}' was made at the same time")
                : write.ToException();
        }

        KnownKey key = (await keys.ReadAsync(keyId, cancellation)).Require();
        keys.Set(key);
        return key.Description;
    }

    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, what the rules refuse, WrongState when others write all the time, or a
    /// backend error.</exception>
    public ValueTask<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation) => UpdateAsync(
        keyId,
        key =>
        {
            KeyDescription changed = KeyRules.Apply(key.Description, change);
            return ReferenceEquals(changed, key.Description) ? null : key.Record.With(changed);
        },
        cancellation);

    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, KeyDisabled, KeyPendingDeletion, or a backend error.</exception>
    public async ValueTask<KeyDescription> RotateAsync(string keyId, CancellationToken cancellation)
    {
        KnownKey key = await RequireAsync(keyId, cancellation);
        KeyRules.RequireRotatable(key.Description);
        await engine.RotateKeyAsync(keyId, cancellation);
        keys.Forget(keyId);
        try
        {
            return await UpdateAsync(
                keyId,
                static key => key.Key is { } found && found.Newest.Number != key.Record.CurrentVersion
                    ? key.Record with { CurrentVersion = found.Newest.Number }
                    : null,
                cancellation);
        }
        catch (KmsException behind)
        {
            reports.Notice($"key '{keyId}' is rotated, and its record, which is informational in this, still has the former number: {behind.Message}");
            return (await RequireAsync(keyId, cancellation)).Description;
        }
    }

    /// <summary>Leaves a tombstone, then removes the key, then the record; goes on where it was interrupted.</summary>
    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, WrongState, or a backend error.</exception>
    public async ValueTask DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation)
    {
        KnownKey key = await RequireAsync(keyId, cancellation);
        if (key.Key is { } found)
        {
            await UpdateAsync(
                keyId,
                key =>
                {
                    KeyRules.RequireDue(key.Description, ifDueBy);
                    return key.HasRecord && key.Record.State == KeyState.Unavailable ? null : key.Record with { State = KeyState.Unavailable };
                },
                cancellation);
            if (!found.IsDeletionAllowed)
            {
                await engine.AllowDeletionAsync(keyId, cancellation);
            }

            await engine.DeleteKeyAsync(keyId, cancellation);
        }

        (VaultFault fault, string sentence) = await records.DestroyAsync(keyId, cancellation);
        keys.Forget(keyId);
        if (fault != VaultFault.None)
        {
            throw new KmsException(fault.ToError(), sentence);
        }

        keys.Remove(keyId);
    }

    /// <summary>Before a key that has no record is used for new data keys, it gets one: RustFS would make it too, and its state is kept there.
    /// However many ask, it is done once.</summary>
    /// <returns>Why it may not be used. A token that may not write records does not hinder.</returns>
    public async ValueTask<KmsError> EnsureRecordAsync(string keyId, CancellationToken cancellation)
    {
        if (_isReadOnly)
        {
            return KmsError.None;
        }

        Task<KmsError>? ensuring;
        lock (_ensuring)
        {
            if (!_ensuring.TryGetValue(keyId, out ensuring))
            {
                _ensuring[keyId] = ensuring = EnsureRecordAsync(keyId);
            }
        }

        return await ensuring.WaitAsync(cancellation);
    }

    /// <summary>Not cancelled with those who wait for it: it is bounded by itself.</summary>
    private async Task<KmsError> EnsureRecordAsync(string keyId)
    {
        await Task.Yield();
        try
        {
            return await MakeRecordAsync(keyId);
        }
        finally
        {
            lock (_ensuring)
            {
                _ensuring.Remove(keyId);
            }
        }
    }

    private async Task<KmsError> MakeRecordAsync(string keyId)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            TransitLookup found = await keys.ReadAsync(keyId, CancellationToken.None);
            if (found.Key is not { } key)
            {
                return found.Error;
            }

            KeyValueWrite write = key.HasRecord
                ? default
                : await records.WriteAsync(keyId, TransitRecordWriter.Write(key.Record), found.Cas, CancellationToken.None);
            if (write.Fault == VaultFault.PolicyDenied)
            {
                _isReadOnly = true;
                reports.Notice($"keys without a record are used without one: {write.Sentence}");
                return KmsError.None;
            }

            if (write.IsStored)
            {
                // Looked at anew, and not kept as written: this comes beside any other call, and an administrator's may have come after it.
                keys.Forget(keyId);
                (KmsError error, KnownKey? known) = await keys.GetAsync(keyId, CancellationToken.None);
                return error == KmsError.None ? KeyRules.WhyNotWrapping(known!.Description.State) : error;
            }

            if (!write.IsConflict)
            {
                return write.Fault.ToError();
            }
        }

        return KmsError.BackendUnavailable;
    }

    /// <param name="edit">The record as it is to be; null when there is nothing to store. What it throws ends the update.</param>
    private async ValueTask<KeyDescription> UpdateAsync(string keyId, Func<KnownKey, TransitRecord?> edit, CancellationToken cancellation)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            TransitLookup found = await LookUpAsync(keyId, cancellation);
            KnownKey key = found.Require();
            if (edit(key) is not { } record)
            {
                keys.Set(key);
                return key.Description;
            }

            KeyValueWrite write = await StoreAsync(keyId, record, key.Key, found.Cas, cancellation);
            if (write.IsStored)
            {
                return record.Describe(keyId, key.Key);
            }

            if (!write.IsConflict)
            {
                throw write.ToException();
            }
        }

        throw new KmsException(
            KmsError.WrongState, $"key '{keyId}' was changed by other writers at the same time; look at it, and do this again if it is still to be done");
    }

    private async ValueTask<KeyValueWrite> StoreAsync(string keyId, TransitRecord record, TransitKey? key, long cas, CancellationToken cancellation)
    {
        KeyValueWrite write = await records.WriteAsync(keyId, TransitRecordWriter.Write(record), cas, cancellation);
        if (write.IsStored)
        {
            keys.Set(new KnownKey(keyId, record, hasRecord: true, key));
        }
        else
        {
            keys.Forget(keyId);
        }

        return write;
    }

    private async ValueTask<KnownKey> RequireAsync(string keyId, CancellationToken cancellation) => (await LookUpAsync(keyId, cancellation)).Require();

    private async ValueTask<TransitLookup> LookUpAsync(string keyId, CancellationToken cancellation) => KeyId.IsLegal(keyId)
        ? await keys.ReadAsync(keyId, cancellation)
        : new TransitLookup(KmsError.KeyNotFound, $"key not found: '{keyId}'", null, 0);

    private static KmsException Taken(string keyId, TransitLookup found) => new(
        KmsError.KeyExists,
        found switch
        {
            { Key.Key: null, Error: KmsError.None } => $"key '{keyId}' is being destroyed; its name is free when its record is gone, within a minute or two",
            { Error: KmsError.KeyDamaged } => $"a key '{keyId}' already exists: {found.Sentence}",
            _ => $"a key '{keyId}' already exists",
        });
}
