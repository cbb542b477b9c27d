using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Adds a version to a key: the material of each is frozen under <c>versions/N</c> before the record names it.</summary>
/// <remarks>
/// <para>A crash at any point leaves a key that opens everything and can be rotated again: what it left frozen and unnamed is taken up. Of two
/// who rotate at the same moment one wins; the other gets WrongState and has changed nothing.</para>
/// <para>RustFS ends for good in an error when it was stopped between freezing the first version and noting that it is the baseline. That is
/// mended here, where the frozen material is the record's own.</para>
/// </remarks>
internal sealed class Kv2Rotation(Kv2Store store, Kv2Keyring keys, Kv2Writer writer, TimeProvider clock)
{
    /// <inheritdoc cref="IKeyBackend.RotateAsync"/>
    public async Task<KeyDescription> RotateAsync(string keyId, CancellationToken cancellation)
    {
        Kv2Writer.RequireLegal(keyId);
        using Kv2Found<Kv2Record> found = await store.ReadAsync(keyId, cancellation);
        Kv2Content start = found.Require().Content;
        KeyRules.RequireRotatable(start.Description);
        List<uint> frozen = await store.ListVersionsAsync(keyId, cancellation);
        uint current = start.Description.Version;
        if (WhyInconsistent(start, frozen) is { } why)
        {
            // The listing is younger than the record: another rotation may have come between.
            using Kv2Found<Kv2Record> again = await store.ReadAsync(keyId, cancellation);
            throw again.Cas == found.Cas ? Damaged(keyId, why) : Kv2Writer.Conflict(keyId);
        }

        string since = start.Description.RotatedAt is { } rotated && start.Baseline is not null ? rotated : start.Description.CreatedAt;
        await FreezeAsync(keyId, current, since, start.Material, isFrozen: frozen.Contains(current), cancellation);
        if (start.Baseline is null)
        {
            await writer.UpdateAsync(
                keyId, before => RequireSame(before, start) is { Baseline: null } ? before with { Baseline = current } : before, cancellation);
        }

        string now = ZonedTimestamp.Format(clock.GetUtcNow());
        using SecretBytes material = await FreezeNextAsync(keyId, current + 1, now, cancellation);
        keys.SetFormer(keyId, current, start.Material);
        return await writer.UpdateAsync(
            keyId,
            before => RequireSame(before, start) with
            {
                Description = before.Description with { Version = current + 1, RotatedAt = now },
                WrapBudget = 0,
                Material = material,
            },
            cancellation);
    }

    /// <summary>What others may have done meanwhile without being in the way: a description, a tag, a reservation of wraps.</summary>
    private static Kv2Content RequireSame(Kv2Content now, Kv2Content start)
    {
        KeyRules.RequireRotatable(now.Description);
        return now.Description.Version == start.Description.Version && now.Material.FixedTimeEquals(start.Material)
            ? now
            : throw Kv2Writer.Conflict(now.Description.KeyId);
    }

    /// <returns>In words that follow the key's id; null when the record and its versions belong together.</returns>
    private string? WhyInconsistent(Kv2Content key, List<uint> frozen)
    {
        (string keyId, uint current) = (key.Description.KeyId, key.Description.Version);
        uint newest = frozen.Count > 0 ? frozen[^1] : 0;
        bool isInterruptedFirst = frozen.Count == 1 && newest == current;
        return newest > current && newest - current > 1
            ? $"has a version {newest}, but its record says {current}, so it is an older one; put the newest back with: vault kv rollback -version=N {store.NameOf(keyId)}"
            : key.Baseline is null && frozen.Count > 0 && !isInterruptedFirst
            ? $"has versions, but its record no longer says which was the first: an old RustFS has rewritten it; if {frozen[0]} was the first, say so with: "
                + $"echo '{{\"baseline_version\":{frozen[0]}}}' | vault kv patch {store.NameOf(keyId)} -"
            : current == uint.MaxValue ? "has the highest version number that there is"
            : null;
    }

    /// <summary>Makes sure that the record's material is under its number.</summary>
    private async Task FreezeAsync(string keyId, uint version, string createdAt, SecretBytes material, bool isFrozen, CancellationToken cancellation)
    {
        using Kv2VersionRecord record = new(version, createdAt, SecretBytes.CopyOf(material.Span));
        if (!isFrozen)
        {
            KeyValueWrite write = await store.WriteVersionAsync(keyId, record, cas: 0, cancellation);
            if (write.IsStored)
            {
                return;
            }

            if (!write.IsConflict)
            {
                throw write.ToException();
            }
        }

        using Kv2Found<Kv2VersionRecord> found = await store.ReadVersionAsync(keyId, version, cancellation);
        if (found.Error == KmsError.KeyNotFound)
        {
            // Deleted in the way that keeps its number.
            KeyValueWrite write = await store.WriteVersionAsync(keyId, record, found.Cas, cancellation);
            if (!write.IsStored)
            {
                throw write.IsConflict ? Kv2Writer.Conflict(keyId) : write.ToException();
            }
        }
        else if (!found.Require().Material.FixedTimeEquals(material))
        {
            throw Damaged(
                keyId,
                $"has another material in its record than in {Kv2VersionRecord.PathOf(keyId, version)}: find out which one data keys were wrapped under, and put it into both");
        }
    }

    /// <summary>Fresh material under the next number, or what an earlier rotation froze there and did not name.</summary>
    /// <returns>The caller's to dispose.</returns>
    private async Task<SecretBytes> FreezeNextAsync(string keyId, uint version, string now, CancellationToken cancellation)
    {
        using Kv2VersionRecord fresh = new(version, now, SecretBytes.Random(AeadKey.KeyLength));
        KeyValueWrite write = await store.WriteVersionAsync(keyId, fresh, cas: 0, cancellation);
        if (write.IsConflict)
        {
            using Kv2Found<Kv2VersionRecord> found = await store.ReadVersionAsync(keyId, version, cancellation);
            if (found.Error != KmsError.KeyNotFound)
            {
                return SecretBytes.CopyOf(found.Require().Material.Span);
            }

            write = await store.WriteVersionAsync(keyId, fresh, found.Cas, cancellation);
        }

        return write.IsStored ? SecretBytes.CopyOf(fresh.Material.Span)
            : throw (write.IsConflict ? Kv2Writer.Conflict(keyId) : write.ToException());
    }

    private static KmsException Damaged(string keyId, string sentence) => new(KmsError.KeyDamaged, $"key '{keyId}' {sentence}");
}
