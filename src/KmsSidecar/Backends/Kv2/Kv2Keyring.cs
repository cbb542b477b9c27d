using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;

namespace KmsSidecar.Backends.Kv2;

/// <summary>The keys of a store by id: read when they are needed, each once however many ask, and kept for a limited time.</summary>
/// <remarks>Thread-safe. What other writers do is seen when the time of what is kept is over, and at once where an envelope names a version
/// that is not known yet.</remarks>
internal sealed class Kv2Keyring : IDisposable
{
    private static readonly TimeSpan AbsenceLifetime = TimeSpan.FromSeconds(2);

    private readonly Kv2Store _store;
    private readonly LeaseCache<string, Kv2Key> _keys;
    private readonly LeaseCache<(string KeyId, uint Version), AeadKey> _versions;
    private readonly AbsentKeys _absent;
    private readonly KeyNotes _notes;

    public Kv2Keyring(Kv2Store store, Kv2Settings settings, BackendReports reports, TimeProvider clock)
    {
        (_store, _notes) = (store, new KeyNotes(reports.Unreadable));
        int capacity = settings.CacheKeys ? settings.MaxCachedKeys : 0;
        TimeSpan lifetime = capacity > 0 ? settings.CacheLifetime : TimeSpan.Zero;
        _keys = new LeaseCache<string, Kv2Key>(capacity, lifetime, clock, StringComparer.Ordinal);
        _versions = new LeaseCache<(string, uint), AeadKey>(capacity, lifetime, clock);
        _absent = new AbsentKeys(lifetime < AbsenceLifetime ? lifetime : AbsenceLifetime, clock);
    }

    public ImmutableArray<UnreadableKey> Unreadable => _notes.Unreadable;

    public CacheCounts Counts => _keys.Counts + _versions.Counts;

    /// <summary>Of records alone.</summary>
    public CacheCounts RecordCounts => _keys.Counts;

    public IEnumerable<KeyDescription> Ending => _notes.Ending;

    /// <returns>None with a lease, which the caller disposes; KeyNotFound, KeyDamaged, or a backend error.</returns>
    public ValueTask<(KmsError Error, Lease<Kv2Key> Lease)> GetAsync(string keyId, CancellationToken cancellation) =>
        !KeyId.IsLegal(keyId) || _absent.Contains(keyId)
            ? new ValueTask<(KmsError, Lease<Kv2Key>)>((KmsError.KeyNotFound, default))
            : _keys.GetAsync(keyId, this, static (id, ring) => ring.FetchAsync(id), cancellation);

    /// <summary>As <see cref="GetAsync"/>, and read now. Where that fails, what is kept goes on.</summary>
    /// <param name="keyId">A legal id.</param>
    public ValueTask<(KmsError Error, Lease<Kv2Key> Lease)> RefreshAsync(string keyId, CancellationToken cancellation)
    {
        _absent.Remove(keyId);
        return _keys.RefreshAsync(keyId, this, static (id, ring) => ring.FetchAsync(id), cancellation);
    }

    /// <summary>As <see cref="GetAsync"/> for those who look at many keys: none that is in use has to go for it.</summary>
    /// <param name="keyId">A legal id.</param>
    public async ValueTask<KeyLook> LookAsync(string keyId, CancellationToken cancellation)
    {
        (KmsError error, Lease<Kv2Key> lease) = await _keys.LookAsync(keyId, this, static (id, ring) => ring.FetchAsync(id), cancellation);
        using (lease)
        {
            if (error != KmsError.BackendRejected)
            {
                return new KeyLook(error, Sentence: null, IsDenied: false, lease.Value?.Description);
            }
        }

        // Why, and whether it is a policy that says so.
        using Kv2Found<Kv2Record> found = await _store.ReadAsync(keyId, cancellation);
        return new KeyLook(found.Error, found.Sentence, found.IsDenied, found.Record?.Content.Description);
    }

    /// <summary>A version other than the newest.</summary>
    /// <param name="keyId">Of a key that is there.</param>
    /// <returns>As <see cref="GetAsync"/>; KeyNotFound when there is no such version.</returns>
    public ValueTask<(KmsError Error, Lease<AeadKey> Lease)> GetVersionAsync(string keyId, uint version, CancellationToken cancellation) =>
        _versions.GetAsync((keyId, version), this, static (key, ring) => ring.FetchVersionAsync(key.KeyId, key.Version), cancellation);

    /// <summary>Keeps what was just written, or found when there was nothing to write.</summary>
    public void Set(Kv2Content content)
    {
        string keyId = content.Description.KeyId;
        _absent.Remove(keyId);
        _notes.Note(content.Description);
        _keys.Set(keyId, new Kv2Key(content));
    }

    /// <summary>Keeps the material that the newest version took the place of.</summary>
    public void SetFormer(string keyId, uint version, SecretBytes material) => _versions.Set((keyId, version), AeadKey.From(material.Span));

    /// <summary>What is kept of a key may be wrong: a write has failed, or it is not known what became of it.</summary>
    public void Forget(string keyId)
    {
        _keys.Remove(keyId);
        _absent.Remove(keyId);
    }

    /// <summary>A key is destroyed.</summary>
    /// <param name="versions">The numbers that it had.</param>
    public void Remove(string keyId, IEnumerable<uint> versions)
    {
        Forget(keyId);
        _notes.Remove(keyId);
        foreach (uint version in versions)
        {
            _versions.Remove((keyId, version));
            _notes.Mended(Kv2VersionRecord.PathOf(keyId, version));
        }
    }

    public void Clear()
    {
        _keys.Clear();
        _versions.Clear();
        _absent.Clear();
    }

    /// <inheritdoc cref="KeyNotes.Report"/>
    public void Report(string name, string reason) => _notes.Report(name, reason);

    /// <summary>What is lent goes on until it is returned; the last to do so zeroes it.</summary>
    public void Dispose()
    {
        _keys.Dispose();
        _versions.Dispose();
    }

    private async Task<(KmsError Error, Kv2Key? Value)> FetchAsync(string keyId)
    {
        long epoch = _absent.Epoch;
        using Kv2Found<Kv2Record> found = await _store.ReadAsync(keyId, CancellationToken.None);
        switch (found.Error)
        {
            case KmsError.None:
                _notes.Mended(keyId);
                _notes.Note(found.Record!.Content.Description);
                return (KmsError.None, new Kv2Key(found.Record.Content));
            case KmsError.KeyNotFound:
                _notes.Remove(keyId);
                _absent.Add(keyId, epoch);
                break;
            case KmsError.KeyDamaged:
                Report(keyId, found.Sentence);
                break;
        }

        if (found.Error is KmsError.KeyNotFound or KmsError.KeyDamaged)
        {
            _keys.Remove(keyId);
        }

        return (found.Error, null);
    }

    private async Task<(KmsError Error, AeadKey? Value)> FetchVersionAsync(string keyId, uint version)
    {
        using Kv2Found<Kv2VersionRecord> found = await _store.ReadVersionAsync(keyId, version, CancellationToken.None);
        string path = Kv2VersionRecord.PathOf(keyId, version);
        if (found.Error == KmsError.KeyDamaged)
        {
            Report(path, found.Sentence);
        }
        else if (found.Error == KmsError.None)
        {
            _notes.Mended(path);
        }

        return (found.Error, found.Record is null ? null : AeadKey.From(found.Record.Material.Span));
    }
}
