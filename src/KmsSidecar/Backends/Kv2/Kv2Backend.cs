using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Keys in a KV v2 mount of Vault or OpenBao, in RustFS's records; data keys are wrapped in this process.</summary>
/// <remarks>Other sidecars and RustFS may use the same store at the same time. A key's id becomes a path only where it is legal.</remarks>
internal sealed class Kv2Backend : IKeyBackend
{
    /// <summary>What RustFS says of such keys' origin and manager.</summary>
    public const string Origin = "VAULT";

    private static readonly BackendCapabilities Everything = new(
        Rotate: true, EnableDisable: true, ScheduleDeletion: true, Versioning: true, PhysicalDelete: true, UpdateKeyMetadata: true, Rewrap: true);

    private readonly IVault _vault;
    private readonly bool _ownsVault;
    private readonly Action<string> _notice;
    private readonly Kv2Store _store;
    private readonly Kv2Keyring _keys;
    private readonly Kv2Writer _writer;
    private readonly Kv2Rotation _rotation;
    private readonly Kv2Listing _listing;
    private readonly WrapBudget _budget;
    private readonly EnvelopeSealer _sealer;

    private Kv2Backend(IVault vault, KeyValueStore store, Kv2Settings settings, BackendReports reports, TimeProvider clock)
    {
        _vault = vault;
        _ownsVault = settings.OwnsVault;
        _notice = reports.Notice;
        _store = new Kv2Store(store);
        _keys = new Kv2Keyring(_store, settings, reports, clock);
        _writer = new Kv2Writer(_store, _keys, clock);
        _rotation = new Kv2Rotation(_store, _keys, _writer, clock);
        _listing = new Kv2Listing(_store, _keys, clock);
        _budget = new WrapBudget(ReserveAsync);
        _sealer = new EnvelopeSealer(bindsContextInRustFsForm: false, writesVersionInRustFsForm: true, clock);
    }

    public BackendCapabilities Capabilities => Everything;

    public ImmutableArray<UnreadableKey> Unreadable => _keys.Unreadable;

    public string? SoleKeyId => null;

    public int? KeyCount => null;

    public bool IsElsewhere => true;

    public RemoteStatus? Remote => RemoteStatuses.Of(_vault);

    public CacheCounts? CacheCounts => _keys.Counts;

    public CacheCounts? MetadataCacheCounts => _keys.RecordCounts;

    /// <summary>Looks whether the store can serve, and writes nothing. No key is read.</summary>
    /// <param name="vault">The backend's from now on, also when this throws, where the settings say so.</param>
    /// <exception cref="KmsException">InvalidConfiguration: no such paths. BackendRejected: no KV v2 mount there, or the token may not do what the
    /// backend needs. BackendUnavailable, BackendTimeout.</exception>
    public static async Task<Kv2Backend> OpenAsync(
        IVault vault, Kv2Settings settings, OpenMode mode, BackendReports reports, TimeProvider clock, CancellationToken cancellation)
    {
        try
        {
            KeyValueStore store = new(vault, settings.Mount, settings.Prefix);
            await Kv2Preflight.RunAsync(vault, store, mode, cancellation);
            return new Kv2Backend(vault, store, settings, reports, clock);
        }
        catch when (settings.OwnsVault && vault is IAsyncDisposable owned)
        {
            await owned.DisposeAsync();
            throw;
        }
    }

    public async ValueTask CheckHealthAsync(CancellationToken cancellation)
    {
        using VaultAnswer answer = await _vault.CheckAsync(cancellation);
        if (answer.Fault != VaultFault.None)
        {
            throw answer.ToException();
        }
    }

    /// <summary>Transit's envelopes have no nonce; all others may be of a key here.</summary>
    public KeyClaim ClaimOn(Envelope envelope) =>
        envelope.Nonce.Length == 0 || envelope.EncryptedKey.AsSpan().StartsWith("vault:v"u8) ? KeyClaim.No : KeyClaim.Perhaps;

    public async ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation)
    {
        (KmsError error, Lease<Kv2Key> lease) = await _keys.GetAsync(keyId, cancellation);
        using (lease)
        {
            return (error, lease.Value?.Description);
        }
    }

    public async ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation) =>
        await _listing.PageAsync(marker, limit, cancellation);

    public async ValueTask<ImmutableArray<KeyVersion>> ListVersionsAsync(KeyDescription key, CancellationToken cancellation) =>
        await _listing.ListVersionsAsync(key, cancellation);

    public async ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation) =>
        await _writer.CreateAsync(request, cancellation);

    public async ValueTask<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation) =>
        await _writer.ChangeAsync(keyId, change, cancellation);

    public async ValueTask<KeyDescription> RotateAsync(string keyId, CancellationToken cancellation) =>
        await _rotation.RotateAsync(keyId, cancellation);

    public async ValueTask DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation)
    {
        await _writer.DestroyAsync(keyId, ifDueBy, cancellation);
        _budget.Forget(keyId);
    }

    public async ValueTask<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation) =>
        await _listing.FindDueAsync(now, cancellation);

    public void ClearCache() => _keys.Clear();

    /// <inheritdoc cref="IKeyBackend.WhyNoDefaultKeyIsMade"/>
    public string? WhyNoDefaultKeyIsMade(string keyId) =>
        $"key '{keyId}' does not exist in {_store.Name} of {_vault.Name}, and none is made in a shared store unasked; start without default_key_id, "
        + $"make the key with POST /rustfs/admin/v3/kms/keys {{\"key_name\":\"{keyId}\"}}, and then name it";

    public async ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation)
    {
        (KmsError error, Lease<Kv2Key> lease) = await _keys.GetAsync(request.KeyId, cancellation);
        using (lease)
        {
            if (error == KmsError.None)
            {
                error = KeyRules.WhyNotWrapping(lease.Value!.Description.State);
            }

            if (error != KmsError.None)
            {
                return new WrapResult(error, 0);
            }

            uint version = lease.Value!.Description.Version;
            _sealer.Wrap(lease.Value.Newest, version, request);
            _budget.Spend(request.KeyId, version);
            return new WrapResult(KmsError.None, version);
        }
    }

    public async ValueTask<UnwrapResult> UnwrapAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        if (ClaimOn(envelope) == KeyClaim.No)
        {
            return Refuse(KmsError.InvalidCiphertext, plaintext);
        }

        (KmsError error, Lease<Kv2Key> lease) = await _keys.GetAsync(envelope.MasterKeyId, cancellation);
        using (lease)
        {
            if (error != KmsError.None)
            {
                return Refuse(error, plaintext);
            }

            Kv2Key key = lease.Value!;
            return key.VersionOf(envelope) <= key.Description.Version
                ? await UnwrapAsync(key, envelope, context, plaintext, cancellation)
                : await UnwrapNewerAsync(envelope, context, plaintext, cancellation);
        }
    }

    public void Dispose()
    {
        _keys.Dispose();
        _ = EndAsync();
    }

    /// <summary>An envelope of a version that came after what is kept.</summary>
    private async ValueTask<UnwrapResult> UnwrapNewerAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        (KmsError error, Lease<Kv2Key> lease) = await _keys.RefreshAsync(envelope.MasterKeyId, cancellation);
        using (lease)
        {
            return error == KmsError.None
                ? await UnwrapAsync(lease.Value!, envelope, context, plaintext, cancellation)
                : Refuse(error, plaintext);
        }
    }

    private async ValueTask<UnwrapResult> UnwrapAsync(
        Kv2Key key, Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        (string keyId, uint newest) = (key.Description.KeyId, key.Description.Version);
        uint version = key.VersionOf(envelope);
        if (key.Description.State == KeyState.Unavailable)
        {
            return Refuse(KmsError.InvalidCiphertext, plaintext);
        }

        if (version == newest)
        {
            return _sealer.Unwrap(key.Newest, version, envelope, context, plaintext.Span);
        }

        (KmsError error, Lease<AeadKey> lease) = await _keys.GetVersionAsync(keyId, version, cancellation);
        using (lease)
        {
            if (error != KmsError.None)
            {
                return Refuse(error, plaintext);
            }

            UnwrapResult opened = _sealer.Unwrap(lease.Value!, version, envelope, context, plaintext.Span);
            if (opened.Error != KmsError.None || version < newest)
            {
                return opened;
            }
        }

        // That it opened is what tells a record that was put back from a number that a caller made up.
        _keys.Report(
            keyId,
            $"its record says version {newest} and is older than data keys of version {version}; put the newest back with: vault kv rollback -version=N {_store.NameOf(keyId)}");
        return Refuse(KmsError.KeyDamaged, plaintext);
    }

    private static UnwrapResult Refuse(KmsError error, Memory<byte> plaintext)
    {
        plaintext.Span.Clear();
        return new UnwrapResult(error == KmsError.KeyNotFound ? KmsError.InvalidCiphertext : error, 0, 0);
    }

    private async Task ReserveAsync(string keyId, uint version, ulong wraps, CancellationToken cancellation)
    {
        try
        {
            await _writer.ReserveAsync(keyId, version, wraps, cancellation);
        }
        catch (KmsException failed)
        {
            _notice($"wraps under key '{keyId}' are not counted in its record until the next million is: {failed.Message}");
            throw;
        }
    }

    private async Task EndAsync()
    {
        await _budget.DisposeAsync();
        if (_ownsVault && _vault is IAsyncDisposable vault)
        {
            await vault.DisposeAsync();
        }
    }
}
