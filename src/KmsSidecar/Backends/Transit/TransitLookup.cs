using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>What Transit and KV v2 say of one key at one moment.</summary>
/// <param name="Error">None; KeyNotFound; KeyDamaged; or a backend error.</param>
/// <param name="Sentence">Why there is no key; empty when there is.</param>
/// <param name="Key">Null unless <paramref name="Error"/> is None.</param>
/// <param name="Cas">Base of a write that replaces the record, or makes it.</param>
/// <param name="IsDenied">By a policy, for this key.</param>
internal readonly record struct TransitLookup(KmsError Error, string Sentence, KnownKey? Key, long Cas, bool IsDenied = false)
{
    /// <exception cref="KmsException">There is none.</exception>
    public KnownKey Require() => Key ?? throw new KmsException(Error, Sentence);
}

/// <summary>A key that can be served, or one that is being destroyed. Immutable, and not secret.</summary>
/// <param name="keyId">Its name in Transit.</param>
/// <param name="record">As stored, or as it would be.</param>
/// <param name="hasRecord">It is stored.</param>
/// <param name="key">Null when Transit does not have it any more, and only its record is left.</param>
internal sealed class KnownKey(string keyId, TransitRecord record, bool hasRecord, TransitKey? key) : IDisposable
{
    public TransitRecord Record => record;

    public bool HasRecord => hasRecord;

    public TransitKey? Key => key;

    public KeyDescription Description { get; } = record.Describe(keyId, key);

    /// <summary>Nothing to wipe: caches of secrets ask for it.</summary>
    public void Dispose()
    {
    }
}
