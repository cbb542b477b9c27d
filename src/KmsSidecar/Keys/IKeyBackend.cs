using System.Buffers;
using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Sharing;

namespace KmsSidecar.Keys;

/// <summary>A place that holds keys, and wraps and unwraps data keys under them.</summary>
/// <remarks>
/// <para>Thread-safe. <see cref="IDisposable.Dispose"/> comes after the last call has ended and zeroes all key material.</para>
/// <para>Wrap, unwrap and find are the data path: they return their error. The other members are cold and throw <see cref="KmsException"/>.
/// Mutations (create, change, rotate, destroy) are serialised by the caller.</para>
/// <para>What a backend does not implement it cannot do: the default answers Unsupported, and its <see cref="Capabilities"/> say so.</para>
/// </remarks>
internal interface IKeyBackend : IDisposable
{
    BackendCapabilities Capabilities { get; }

    /// <summary>Keys that cannot be served, by id or file name, each with one sentence why. Empty when all is well.</summary>
    ImmutableArray<UnreadableKey> Unreadable { get; }

    /// <summary>Its calls wait for another program, so that several of them are best under way at once.</summary>
    bool IsElsewhere => false;

    /// <summary>The key of a backend that has just one, which is then its default key; null otherwise.</summary>
    string? SoleKeyId { get; }

    /// <summary>Number of keys that can be served; null where only a listing could tell.</summary>
    int? KeyCount { get; }

    /// <summary>Number of keys that have not been looked at since the backend was opened: what is wrong with them is not known yet.</summary>
    int UncheckedKeyCount => 0;

    /// <summary>Why a default key that is missing is not made with fresh material, as one sentence with the mend; null where it is made.</summary>
    string? WhyNoDefaultKeyIsMade(string keyId) => null;

    /// <summary>Cheap check that the backend can serve; throws with the reason.</summary>
    /// <exception cref="KmsException">BackendUnavailable, BackendRejected, BackendTimeout, StorageFailed.</exception>
    ValueTask CheckHealthAsync(CancellationToken cancellation);

    /// <summary>Whether this backend is the one that opens an envelope.</summary>
    KeyClaim ClaimOn(Envelope envelope);

    /// <returns>KeyNotFound, KeyDamaged, or a backend error, with a null description.</returns>
    ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation);

    /// <summary>Keys in byte order of their ids, beginning after <paramref name="marker"/> (exclusive; null from the start).</summary>
    ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation);

    /// <summary>The versions of a key, oldest first, as far as they are known.</summary>
    /// <param name="key">As this backend described it.</param>
    /// <exception cref="KmsException">A backend error.</exception>
    ValueTask<ImmutableArray<KeyVersion>> ListVersionsAsync(KeyDescription key, CancellationToken cancellation) => new([new KeyVersion(key.Version, key.CreatedAt)]);

    /// <summary>Makes a key with fresh material and version 1; durable when it returns.</summary>
    /// <exception cref="KmsException">KeyExists, InvalidKeyId, Unsupported, StorageFailed, or a backend error.</exception>
    ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation);

    /// <summary>Applies <see cref="KeyRules.Apply"/> and stores the result; durable when it returns. Nothing is written when nothing changes.</summary>
    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, Unsupported, what the rules refuse, StorageFailed, or a backend error.</exception>
    ValueTask<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation) => throw new KmsException(KmsError.Unsupported);

    /// <summary>Adds a version with fresh material, which new data keys use from now on; all earlier versions go on opening theirs.</summary>
    /// <remarks>The material is durable under its version before anything names that version, so a crash at any point leaves a key that opens
    /// everything and can be rotated again.</remarks>
    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, KeyDisabled, KeyPendingDeletion, Unsupported, StorageFailed, or a backend error.</exception>
    ValueTask<KeyDescription> RotateAsync(string keyId, CancellationToken cancellation) => throw new KmsException(KmsError.Unsupported);

    /// <summary>Destroys a key with all its versions, and goes on where a crash interrupted it. The caller has made sure that it may.</summary>
    /// <param name="ifDueBy">Only a key whose deletion is due by then, as its record says at the last moment: another node may have cancelled it.
    /// Null for whatever state.</param>
    /// <exception cref="KmsException">KeyNotFound, KeyNotPendingDeletion, Unsupported, StorageFailed, or a backend error.</exception>
    ValueTask DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation) => throw new KmsException(KmsError.Unsupported);

    /// <summary>Keys whose deletion is due, and those whose destruction was interrupted. Cheap: it is asked every minute.</summary>
    ValueTask<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation) => new([]);

    /// <summary>How it fares with the server that its keys are on; null where they are on none.</summary>
    RemoteStatus? Remote => null;

    /// <summary>What is kept of keys that are elsewhere; null where the keys themselves are here.</summary>
    CacheCounts? CacheCounts => null;

    /// <summary>Of those, what is known about keys: neither their material nor data keys.</summary>
    CacheCounts? MetadataCacheCounts => null;

    /// <summary>How callers share calls; null where each has its own.</summary>
    CoalescingCounts? Coalescing => null;

    /// <summary>Null where only a listing could tell. Not for every request: it goes through all keys.</summary>
    KeyCounts? CountKeys() => null;

    /// <summary>Forgets what is kept of keys that are elsewhere.</summary>
    void ClearCache()
    {
    }

    /// <summary>Wraps under the newest version and writes the whole envelope. Nothing is written when it fails.</summary>
    /// <returns>KeyNotFound, KeyDisabled, KeyPendingDeletion, KeyDamaged, or a backend error.</returns>
    ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation);

    /// <summary>Opens an envelope whose key this backend holds. Disabled and pending keys open too (RustFS's rule).</summary>
    /// <param name="envelope">As parsed; its key id says which key.</param>
    /// <param name="context">The request's context.</param>
    /// <param name="plaintext">At least <see cref="Envelope.MaxPlaintextLength"/> bytes; the caller wipes them. Zero when it fails.</param>
    /// <returns>InvalidCiphertext for every reason that lies in the envelope, the context or an unknown key; KeyDamaged or a backend error otherwise.</returns>
    ValueTask<UnwrapResult> UnwrapAsync(Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation);
}

/// <param name="Plaintext">The caller's, who wipes it.</param>
/// <param name="Output">Receives the envelope's JSON.</param>
internal readonly record struct WrapRequest(
    string KeyId, KeySpec Spec, EnvelopeForm Form, ReadOnlyMemory<byte> Plaintext, EncryptionContext Context, IBufferWriter<byte> Output);

internal readonly record struct WrapResult(KmsError Error, uint KeyVersion);

/// <param name="Length">Bytes of plaintext written.</param>
internal readonly record struct UnwrapResult(KmsError Error, uint KeyVersion, int Length);

internal sealed record NewKey(string KeyId, string? Description, ImmutableSortedDictionary<string, string> Tags);

/// <param name="CreatedAt">As in a key's record (<see cref="ZonedTimestamp"/>).</param>
internal readonly record struct KeyVersion(uint Number, string CreatedAt);

internal sealed record UnreadableKey(string Name, string Reason);

/// <param name="NextMarker">Marker of the next page; null when this is the last.</param>
internal sealed record KeyPage(ImmutableArray<KeyDescription> Keys, string? NextMarker);

/// <summary>What a backend can do beyond encrypt, decrypt and generate, with the names of RustFS's status answer.</summary>
internal sealed record BackendCapabilities(
    bool Rotate, bool EnableDisable, bool ScheduleDeletion, bool Versioning, bool PhysicalDelete, bool UpdateKeyMetadata, bool Rewrap)
{
    /// <summary>Nothing but rewrap, which is an unwrap and a wrap.</summary>
    public static readonly BackendCapabilities WrapOnly = new(
        Rotate: false, EnableDisable: false, ScheduleDeletion: false, Versioning: false, PhysicalDelete: false, UpdateKeyMetadata: false, Rewrap: true);
}
