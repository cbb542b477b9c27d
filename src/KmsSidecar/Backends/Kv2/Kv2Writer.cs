using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Makes, changes and destroys the keys of a store, beside other writers: every write is check-and-set.</summary>
/// <remarks>What it has done is stored when it returns. Where it throws a backend error, the last write may be stored or not; doing the same
/// again goes on from there.</remarks>
internal sealed class Kv2Writer(Kv2Store store, Kv2Keyring keys, TimeProvider clock)
{
    /// <summary>How often a write is tried anew from what another writer stored meanwhile.</summary>
    private const int Rounds = 3;

    /// <summary>Makes a key with one write, so that nobody ever sees a half of it.</summary>
    /// <exception cref="KmsException">InvalidKeyId, KeyExists, or a backend error.</exception>
    public async Task<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation)
    {
        if (!KeyId.IsLegal(request.KeyId))
        {
            throw new KmsException(KmsError.InvalidKeyId);
        }

        await RefuseLeftoversAsync(request.KeyId, cancellation);
        using SecretBytes material = SecretBytes.Random(AeadKey.KeyLength);
        Kv2Content content = new(
            new KeyDescription
            {
                KeyId = request.KeyId,
                State = KeyState.Enabled,
                Version = 1,
                Description = request.Description,
                Tags = request.Tags,
                CreatedAt = ZonedTimestamp.Format(clock.GetUtcNow()),
                Origin = Kv2Backend.Origin,
                Manager = Kv2Backend.Origin,
            },
            Baseline: null,
            WrapBudget: 0,
            material);
        using SecretBuffer record = Kv2RecordWriter.Write(content);
        KeyValueWrite write = await StoreAsync(content, record, cas: 0, keys, cancellation);
        if (write.IsConflict)
        {
            // Something is there, or was and is deleted in a way that keeps its number.
            using Kv2Found<Kv2Record> found = await store.ReadAsync(request.KeyId, cancellation);
            write = found.Error switch
            {
                KmsError.KeyNotFound => await StoreAsync(content, record, found.Cas, keys, cancellation),
                KmsError.None or KmsError.KeyDamaged => throw new KmsException(KmsError.KeyExists, $"a key '{request.KeyId}' already exists"),
                _ => throw new KmsException(found.Error, found.Sentence),
            };
        }

        return write.IsStored ? content.Description
            : write.IsConflict ? throw new KmsException(KmsError.KeyExists, $"a key '{request.KeyId}' was made at the same time")
            : throw write.ToException();
    }

    /// <inheritdoc cref="IKeyBackend.ChangeAsync"/>
    public async Task<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation) =>
        await UpdateAsync(
            keyId,
            before =>
            {
                KeyDescription after = KeyRules.Apply(before.Description, change);
                return ReferenceEquals(after, before.Description) ? before : before with { Description = after };
            },
            cancellation);

    /// <inheritdoc cref="IKeyBackend.DestroyAsync"/>
    /// <remarks>First the record says that the key is gone, then its versions go, then the record: no version is left without it.</remarks>
    public async Task DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation)
    {
        await UpdateAsync(
            keyId,
            before =>
            {
                KeyRules.RequireDue(before.Description, ifDueBy);
                return before.Description.State == KeyState.Unavailable ? before : before with
                {
                    Description = before.Description with
                    {
                        State = KeyState.Unavailable,
                        StateBeforeDeletion = null,
                        DeletionDate = ZonedTimestamp.Format(clock.GetUtcNow()),
                    },
                };
            },
            cancellation);
        List<uint> versions = await store.ListVersionsAsync(keyId, cancellation);
        foreach (uint version in versions)
        {
            await store.DestroyVersionAsync(keyId, version, cancellation);
        }

        try
        {
            await store.DestroyAsync(keyId, cancellation);
        }
        catch
        {
            keys.Forget(keyId);
            throw;
        }

        keys.Remove(keyId, versions);
    }

    /// <summary>Reads a record, and stores what <paramref name="edit"/> makes of it; anew from the beginning when another writer comes between.</summary>
    /// <param name="edit">Returns the same object when there is nothing to store. What it throws ends the update.</param>
    /// <returns>The key as it is stored.</returns>
    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, WrongState when other writers always were first, or a backend error.</exception>
    public Task<KeyDescription> UpdateAsync(string keyId, Func<Kv2Content, Kv2Content> edit, CancellationToken cancellation) =>
        UpdateAsync(keyId, edit, keys, cancellation);

    /// <summary>Adds wraps to what is reserved of a version; nothing when the key has another by now. May come beside any other call.</summary>
    /// <inheritdoc cref="UpdateAsync(string, Func{Kv2Content, Kv2Content}, CancellationToken)"/>
    public Task ReserveAsync(string keyId, uint version, ulong wraps, CancellationToken cancellation) => UpdateAsync(
        keyId,
        before => before.Description.Version == version
            ? before with { WrapBudget = before.WrapBudget + Math.Min(wraps, ulong.MaxValue - before.WrapBudget) }
            : before,
        kept: null,
        cancellation);

    public static KmsException Conflict(string keyId) => new(
        KmsError.WrongState, $"key '{keyId}' was changed by another writer at the same time; look at it, and do this again if it is still to be done");

    /// <exception cref="KmsException">KeyNotFound: no key here has such an id.</exception>
    public static void RequireLegal(string keyId)
    {
        if (!KeyId.IsLegal(keyId))
        {
            throw new KmsException(KmsError.KeyNotFound, $"key not found: '{keyId}'");
        }
    }

    /// <param name="kept">Learns what became of the key; null for what it does not keep, so that it need not know which of two came later.</param>
    private async Task<KeyDescription> UpdateAsync(
        string keyId, Func<Kv2Content, Kv2Content> edit, Kv2Keyring? kept, CancellationToken cancellation)
    {
        RequireLegal(keyId);
        for (int round = 0; round < Rounds; round++)
        {
            using Kv2Found<Kv2Record> found = await store.ReadAsync(keyId, cancellation);
            if (found.Error is KmsError.KeyNotFound or KmsError.KeyDamaged)
            {
                kept?.Forget(keyId);
            }

            Kv2Record record = found.Require();
            Kv2Content after = edit(record.Content);
            if (ReferenceEquals(after, record.Content))
            {
                kept?.Set(after);
                return after.Description;
            }

            using SecretBuffer text = Kv2RecordWriter.Rewrite(record, after);
            KeyValueWrite write = await StoreAsync(after, text, found.Cas, kept, cancellation);
            if (write.IsStored)
            {
                return after.Description;
            }

            if (!write.IsConflict)
            {
                throw write.ToException();
            }
        }

        throw Conflict(keyId);
    }

    private async Task<KeyValueWrite> StoreAsync(Kv2Content content, SecretBuffer record, long cas, Kv2Keyring? kept, CancellationToken cancellation)
    {
        bool isStored = false;
        try
        {
            KeyValueWrite write = await store.WriteAsync(content.Description.KeyId, record, cas, cancellation);
            if (write.IsStored)
            {
                kept?.Set(content);
                isStored = true;
            }

            return write;
        }
        finally
        {
            if (!isStored)
            {
                kept?.Forget(content.Description.KeyId);
            }
        }
    }

    /// <summary>The versions of a key whose record is gone would get in the way of the first rotation of another of its name.</summary>
    private async Task RefuseLeftoversAsync(string keyId, CancellationToken cancellation)
    {
        if (await store.ListVersionsAsync(keyId, cancellation) is [uint first, ..])
        {
            using Kv2Found<Kv2Record> found = await store.ReadAsync(keyId, cancellation);
            throw found.Error switch
            {
                KmsError.None or KmsError.KeyDamaged => new KmsException(KmsError.KeyExists, $"a key '{keyId}' already exists"),
                KmsError.KeyNotFound => new KmsException(
                    KmsError.KeyExists,
                    $"the record of a key '{keyId}' is gone but its versions are there; bring it back with: vault kv undelete -versions=N {store.NameOf(keyId)}, "
                    + $"or remove each version with: vault kv metadata delete {store.NameOf(Kv2VersionRecord.PathOf(keyId, first))}"),
                _ => new KmsException(found.Error, found.Sentence),
            };
        }
    }
}
