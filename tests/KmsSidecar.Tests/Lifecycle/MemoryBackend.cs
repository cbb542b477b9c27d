using System.Collections.Concurrent;
using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>Keys of one place, which outlive the backends that are opened on it as files would.</summary>
internal sealed class MemoryPlace
{
    private int _wrapCount;

    public ConcurrentDictionary<string, byte[]> Material { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Disabled { get; } = [];

    /// <summary>What has been changed of a key; the others are as they were made.</summary>
    public ConcurrentDictionary<string, KeyDescription> Changed { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys whose destruction fails.</summary>
    public HashSet<string> Indestructible { get; } = [];

    public HashSet<string> Damaged { get; } = [];

    /// <summary>Why it cannot be opened or is not well; null when all is well.</summary>
    public KmsException? Fault { get; set; }

    /// <summary>As if it were another server.</summary>
    public bool IsElsewhere { get; set; }

    /// <summary>How many data keys it was asked for.</summary>
    public int WrapCount => Volatile.Read(ref _wrapCount);

    /// <summary>Where there is one, a wrap ends with it.</summary>
    public TaskCompletionSource? HoldsWraps { get; set; }

    /// <summary>Where there is one, opening never ends, and says here that it has begun.</summary>
    public TaskCompletionSource? Hangs { get; set; }

    /// <summary>Where there is one, making a key ends with it, and with nothing else.</summary>
    public TaskCompletionSource? HoldsCreation { get; set; }

    public Task CountWrapAsync()
    {
        Interlocked.Increment(ref _wrapCount);
        return HoldsWraps?.Task ?? Task.CompletedTask;
    }
}

/// <summary>A backend without a disk, which notices being used after it has been disposed.</summary>
internal sealed class MemoryBackend(MemoryPlace place) : IKeyBackend
{
    private readonly EnvelopeSealer _sealer = new(bindsContextInRustFsForm: false, writesVersionInRustFsForm: false, TimeProvider.System);
    private volatile bool _disposed;

    public bool IsDisposed => _disposed;

    public BackendCapabilities Capabilities => BackendCapabilities.WrapOnly;

    public ImmutableArray<UnreadableKey> Unreadable => [];

    public bool IsElsewhere => place.IsElsewhere;

    public string? SoleKeyId => null;

    public int? KeyCount => place.Material.Count;

    public ValueTask CheckHealthAsync(CancellationToken cancellation) => place.Fault is { } fault ? throw fault : ValueTask.CompletedTask;

    public KeyClaim ClaimOn(Envelope envelope) => place.Material.ContainsKey(envelope.MasterKeyId) ? KeyClaim.Yes : KeyClaim.No;

    public ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation)
    {
        if (!place.Material.ContainsKey(keyId))
        {
            return new((KmsError.KeyNotFound, null));
        }

        return new(place.Damaged.Contains(keyId) ? (KmsError.KeyDamaged, null) : (KmsError.None, Describe(keyId)));
    }

    public ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation) =>
        new(new KeyPage([.. place.Material.Keys.Order(StringComparer.Ordinal).Select(Describe)], NextMarker: null));

    public async ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation)
    {
        await (place.HoldsCreation?.Task ?? Task.CompletedTask);
        ObjectDisposedException.ThrowIf(_disposed, this);
        byte[] material = new byte[AeadKey.KeyLength];
        RandomBytes.Fill(material);
        return place.Material.TryAdd(request.KeyId, material) ? Describe(request.KeyId) : throw new KmsException(KmsError.KeyExists);
    }

    public async ValueTask<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation)
    {
        (KmsError error, KeyDescription? key) = await FindAsync(keyId, cancellation);
        return error == KmsError.None ? place.Changed[keyId] = KeyRules.Apply(key!, change) : throw new KmsException(error);
    }

    public ValueTask DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation)
    {
        if (place.Indestructible.Contains(keyId))
        {
            throw new KmsException(KmsError.StorageFailed, "the disk is read-only");
        }

        if (!place.Material.TryRemove(keyId, out _))
        {
            throw new KmsException(KmsError.KeyNotFound);
        }

        place.Changed.TryRemove(keyId, out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation) =>
        new([.. place.Changed.Values.Where(key => KeyRules.IsDue(key, now)).OrderBy(static key => key.KeyId, StringComparer.Ordinal)]);

    public async ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation)
    {
        await place.CountWrapAsync();
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!place.Material.TryGetValue(request.KeyId, out byte[]? material))
        {
            return new WrapResult(KmsError.KeyNotFound, 0);
        }

        using AeadKey key = AeadKey.From(material);
        _sealer.Wrap(key, 1, request);
        return new WrapResult(KmsError.None, 1);
    }

    public ValueTask<UnwrapResult> UnwrapAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using AeadKey key = AeadKey.From(place.Material[envelope.MasterKeyId]);
        return new(_sealer.Unwrap(key, 1, envelope, context, plaintext.Span));
    }

    public void Dispose() => _disposed = true;

    private KeyDescription Describe(string keyId) => place.Changed.GetValueOrDefault(keyId) ?? new()
    {
        KeyId = keyId,
        State = place.Disabled.Contains(keyId) ? KeyState.Disabled : KeyState.Enabled,
        Version = 1,
        CreatedAt = "2026-01-01T00:00:00+00:00[UTC]",
        Origin = "KMS",
        Manager = "CUSTOMER",
    };
}
