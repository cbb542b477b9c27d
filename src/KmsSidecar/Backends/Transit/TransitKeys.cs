using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>What is known of the keys by id: read when it is needed, each once however many ask, and kept for a limited time.</summary>
/// <remarks>Thread-safe. What other writers do is seen when the time of what is kept is over.</remarks>
internal sealed class TransitKeys : IDisposable
{
    private static readonly TimeSpan AbsenceLifetime = TimeSpan.FromSeconds(2);

    private readonly TransitEngine _engine;
    private readonly KeyValueStore _records;
    private readonly LeaseCache<string, KnownKey> _keys;
    private readonly AbsentKeys _absent;
    private readonly KeyNotes _notes;

    public TransitKeys(TransitEngine engine, KeyValueStore records, TransitSettings settings, BackendReports reports, TimeProvider clock)
    {
        (_engine, _records, _notes) = (engine, records, new KeyNotes(reports.Unreadable));
        int capacity = settings.CacheKeys ? settings.MaxCachedKeys : 0;
        TimeSpan lifetime = capacity > 0 ? settings.CacheLifetime : TimeSpan.Zero;
        _keys = new LeaseCache<string, KnownKey>(capacity, lifetime, clock, StringComparer.Ordinal);
        _absent = new AbsentKeys(lifetime < AbsenceLifetime ? lifetime : AbsenceLifetime, clock);
    }

    public ImmutableArray<UnreadableKey> Unreadable => _notes.Unreadable;

    public CacheCounts Counts => _keys.Counts;

    public IEnumerable<KeyDescription> Ending => _notes.Ending;

    /// <param name="keyId">Any text at all.</param>
    /// <returns>None with the key; KeyNotFound, KeyDamaged, or a backend error.</returns>
    public async ValueTask<(KmsError Error, KnownKey? Key)> GetAsync(string keyId, CancellationToken cancellation)
    {
        if (!KeyId.IsLegal(keyId) || _absent.Contains(keyId))
        {
            return (KmsError.KeyNotFound, null);
        }

        (KmsError error, Lease<KnownKey> lease) = await _keys.GetAsync(keyId, this, static (id, keys) => keys.FetchAsync(id), cancellation);
        using (lease)
        {
            return (error, lease.Value);
        }
    }

    /// <summary>As it is now, whatever is kept.</summary>
    /// <param name="keyId">A legal id.</param>
    public async ValueTask<TransitLookup> ReadAsync(string keyId, CancellationToken cancellation)
    {
        Task<TransitKeyRead> reading = _engine.ReadKeyAsync(keyId, cancellation).AsTask();
        using KeyValueRead record = await _records.ReadAsync(keyId, cancellation);
        TransitLookup lookup = Combine(keyId, await reading, record);
        Note(keyId, lookup);
        return lookup;
    }

    /// <summary>As <see cref="GetAsync"/> for those who look at many keys: none that is in use has to go for it.</summary>
    /// <param name="keyId">A legal id.</param>
    public async ValueTask<KeyLook> LookAsync(string keyId, CancellationToken cancellation)
    {
        (KmsError error, Lease<KnownKey> lease) = await _keys.LookAsync(keyId, this, static (id, keys) => keys.FetchAsync(id), cancellation);
        using (lease)
        {
            if (error != KmsError.BackendRejected)
            {
                return new KeyLook(error, Sentence: null, IsDenied: false, lease.Value?.Description);
            }
        }

        // Why, and whether it is a policy that says so.
        TransitLookup lookup = await ReadAsync(keyId, cancellation);
        return new KeyLook(lookup.Error, lookup.Sentence, lookup.IsDenied, lookup.Key?.Description);
    }

    /// <summary>Keeps what was just written, or found when there was nothing to write.</summary>
    public void Set(KnownKey key)
    {
        string keyId = key.Description.KeyId;
        _absent.Remove(keyId);
        _notes.Note(key.Description);
        _keys.Set(keyId, key);
    }

    /// <summary>What is kept of a key may be wrong.</summary>
    public void Forget(string keyId)
    {
        _keys.Remove(keyId);
        _absent.Remove(keyId);
    }

    /// <summary>A key is destroyed.</summary>
    public void Remove(string keyId)
    {
        Forget(keyId);
        _notes.Remove(keyId);
    }

    public void Clear()
    {
        _keys.Clear();
        _absent.Clear();
    }

    /// <inheritdoc cref="KeyNotes.Report"/>
    public void Report(string name, string reason) => _notes.Report(name, reason);

    public void Dispose() => _keys.Dispose();

    private async Task<(KmsError Error, KnownKey? Value)> FetchAsync(string keyId)
    {
        long epoch = _absent.Epoch;
        TransitLookup lookup = await ReadAsync(keyId, CancellationToken.None);
        if (lookup.Error == KmsError.KeyNotFound)
        {
            _absent.Add(keyId, epoch);
        }

        return (lookup.Error, lookup.Key);
    }

    private TransitLookup Combine(string keyId, TransitKeyRead key, KeyValueRead read)
    {
        if (key.Error is not (KmsError.None or KmsError.KeyNotFound))
        {
            return new TransitLookup(key.Error, key.Sentence, null, 0, key.IsDenied);
        }

        if (read.Fault is not (VaultFault.None or VaultFault.NotFound))
        {
            return new TransitLookup(read.Fault.ToError(), read.Sentence, null, 0, IsDenied: read.Fault == VaultFault.PolicyDenied);
        }

        TransitRecord? record = null;
        if (read.Fault == VaultFault.None && (record = TransitRecordReader.TryRead(read.Record, out string? fault)) is null)
        {
            return new TransitLookup(KmsError.KeyDamaged, DamageOf(keyId, fault!), null, read.Version);
        }

        if (key.Key is { } found)
        {
            return found.WhyUnusable(_engine.Mount) is { } unusable
                ? new TransitLookup(KmsError.KeyDamaged, unusable, null, read.Version)
                : new TransitLookup(KmsError.None, "", new KnownKey(keyId, record ?? TransitRecord.Of(found), record is not null, found), read.Version);
        }

        // A destruction that was interrupted; any other record without a key is what is left of one that somebody removed.
        return record is { State: KeyState.Unavailable or KeyState.PendingDeletion }
            ? new TransitLookup(KmsError.None, "", new KnownKey(keyId, record, hasRecord: true, key: null), read.Version)
            : new TransitLookup(KmsError.KeyNotFound, key.Sentence, null, read.Version);
    }

    private string DamageOf(string keyId, string fault) =>
        $"the record of key '{keyId}' is damaged: {fault}; put an earlier version of it back with: vault kv rollback -version=N {_records.NameOf(keyId)}";

    private void Note(string keyId, TransitLookup lookup)
    {
        switch (lookup.Error)
        {
            case KmsError.None:
                _notes.Mended(keyId);
                _notes.Note(lookup.Key!.Description);
                break;
            case KmsError.KeyNotFound:
                _notes.Remove(keyId);
                break;
            case KmsError.KeyDamaged:
                Report(keyId, lookup.Sentence);
                break;
        }
    }
}
