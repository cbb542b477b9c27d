using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Observability;
using KmsSidecar.Sharing;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>Keys that never leave Vault: Transit wraps and unwraps, KV v2 has what RustFS keeps of them beside.</summary>
/// <remarks>Envelopes are RustFS's own, whatever form is asked for: Transit binds the context of an envelope itself.</remarks>
internal sealed class TransitBackend : IKeyBackend
{
    private static readonly TimeSpan NoticeInterval = TimeSpan.FromSeconds(10);

    private readonly IVault _vault;
    private readonly TransitSettings _settings;
    private readonly BackendReports _reports;
    private readonly TransitEngine _engine;
    private readonly TransitCoalescer _coalescer;
    private readonly TransitKeys _keys;
    private readonly TransitWriter _writer;
    private readonly TransitListing _listing;
    private readonly AssociatedDataProbe _probe;
    private readonly OpenedDataKeys _opened;
    private readonly TransitEnvelopes _envelopes;
    private readonly LogThrottle _refusals;

    private TransitBackend(IVault vault, TransitSettings settings, BackendReports reports, TimeProvider clock)
    {
        (_vault, _settings, _reports) = (vault, settings, reports);
        KeyValueStore records = new(vault, settings.MetadataMount, settings.MetadataPrefix);
        _engine = new TransitEngine(vault, settings.Mount.Trim('/'));
        _coalescer = new TransitCoalescer(_engine);
        _keys = new TransitKeys(_engine, records, settings, reports, clock);
        _writer = new TransitWriter(_engine, records, _keys, reports, clock);
        _listing = new TransitListing(_engine, records, _keys);
        _probe = new AssociatedDataProbe(_engine, _coalescer, reports);
        _opened = new OpenedDataKeys(settings, clock);
        _envelopes = new TransitEnvelopes(clock);
        _refusals = new LogThrottle(clock, NoticeInterval);
    }

    public BackendCapabilities Capabilities { get; } = new(
        Rotate: true, EnableDisable: true, ScheduleDeletion: true, Versioning: true, PhysicalDelete: true, UpdateKeyMetadata: true, Rewrap: true);

    public ImmutableArray<UnreadableKey> Unreadable => _keys.Unreadable;

    public string? SoleKeyId => null;

    public int? KeyCount => null;

    public bool IsElsewhere => true;

    public RemoteStatus? Remote => RemoteStatuses.Of(_vault);

    public CacheCounts? CacheCounts => _keys.Counts + _opened.Counts;

    public CacheCounts? MetadataCacheCounts => _keys.Counts;

    public CoalescingCounts? Coalescing => _coalescer.Counts;

    /// <summary>Opens the backend, and for new data keys looks first whether it could make them.</summary>
    /// <param name="vault">Taken over where the settings say so, also when this throws.</param>
    /// <exception cref="KmsException">InvalidConfiguration: no such paths. KeyNotFound: the default key is not there. BackendRejected: the mounts, the token's policy, the default key's
    /// type or the server's treatment of associated data are not what is needed. Another backend error.</exception>
    public static async Task<TransitBackend> OpenAsync(
        IVault vault, TransitSettings settings, OpenMode mode, BackendReports reports, TimeProvider clock, CancellationToken cancellation)
    {
        TransitBackend backend;
        try
        {
            backend = new(vault, settings, reports, clock);
        }
        catch when (settings.OwnsVault && vault is IAsyncDisposable owned)
        {
            await owned.DisposeAsync();
            throw;
        }

        try
        {
            await new TransitPreflight(vault, settings, reports).RunAsync(mode, cancellation);
            if (mode != OpenMode.Existing)
            {
                await backend.RequireDefaultKeyAsync(cancellation);
            }

            return backend;
        }
        catch
        {
            backend.Dispose();
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

    public KeyClaim ClaimOn(Envelope envelope) => TransitEnvelopes.IsMine(envelope) ? KeyClaim.Perhaps : KeyClaim.No;

    public async ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation)
    {
        (KmsError error, KnownKey? key) = await _keys.GetAsync(keyId, cancellation);
        return (error, key?.Description);
    }

    public ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation) => _listing.ListAsync(marker, limit, cancellation);

    public ValueTask<ImmutableArray<KeyVersion>> ListVersionsAsync(KeyDescription key, CancellationToken cancellation) =>
        _listing.ListVersionsAsync(key, cancellation);

    public ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation) => _writer.CreateAsync(request, cancellation);

    public ValueTask<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation) =>
        _writer.ChangeAsync(keyId, change, cancellation);

    public ValueTask<KeyDescription> RotateAsync(string keyId, CancellationToken cancellation) => _writer.RotateAsync(keyId, cancellation);

    public async ValueTask DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation)
    {
        try
        {
            await _writer.DestroyAsync(keyId, ifDueBy, cancellation);
        }
        finally
        {
            _opened.Clear();
        }
    }

    public ValueTask<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation) =>
        _listing.FindDueAsync(now, cancellation);

    public void ClearCache()
    {
        _keys.Clear();
        _opened.Clear();
    }

    /// <inheritdoc/>
    public string? WhyNoDefaultKeyIsMade(string keyId) =>
        $"default key '{keyId}' is not in Transit mount '{_engine.Mount}' of {_engine.ServerName}; make it first: "
        + $"vault write {_engine.Mount}/keys/{keyId} type={TransitKey.DefaultType}";

    public async ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Plaintext.Length, Envelope.MaxPlaintextLength, nameof(request));
        (KmsError error, KnownKey? key) = await _keys.GetAsync(request.KeyId, cancellation);
        error = error == KmsError.None ? await WhyNotWrappingAsync(key!, cancellation) : error;
        if (error != KmsError.None)
        {
            return new WrapResult(error, 0);
        }

        TransitItem asked = TransitItem.Encrypt(request.Plaintext.Span, TransitEnvelopes.AssociatedDataOf(request.Context));
        using TransitItem item = await _coalescer.RunAsync(request.KeyId, asked, cancellation);
        if (item.Error != KmsError.None)
        {
            if (item.Error is not (KmsError.BackendUnavailable or KmsError.BackendTimeout))
            {
                // It may be gone, or another one: the next caller looks.
                _keys.Forget(request.KeyId);
                Refuse($"a data key was not wrapped under key '{request.KeyId}': {item.Reason}");
            }

            return new WrapResult(item.Error, 0);
        }

        TransitCiphertext.TryReadVersion(item.Result, out uint version);
        if (version != key!.Description.Version)
        {
            _keys.Forget(request.KeyId);
            NoteOtherKey(key.Description, version);
        }

        _envelopes.Write(request, item.Result);
        return new WrapResult(KmsError.None, version);
    }

    public async ValueTask<UnwrapResult> UnwrapAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(plaintext.Length, Envelope.MaxPlaintextLength);
        plaintext.Span.Clear();
        if (!TransitEnvelopes.IsMine(envelope)
            || !TransitCiphertext.TryReadVersion(envelope.EncryptedKey, out uint version)
            || !context.Admits(envelope.Context)
            || !KeyId.IsLegal(envelope.MasterKeyId))
        {
            return new UnwrapResult(KmsError.InvalidCiphertext, 0, 0);
        }

        (KmsError error, Lease<SecretBytes> lease) = await _opened.GetAsync(envelope, OpenAsync, cancellation);
        using (lease)
        {
            if (error != KmsError.None)
            {
                return new UnwrapResult(error, 0, 0);
            }

            SecretBytes opened = lease.Value!;
            opened.Span.CopyTo(plaintext.Span);
            return new UnwrapResult(KmsError.None, version, opened.Length);
        }
    }

    public void Dispose()
    {
        _opened.Dispose();
        _keys.Dispose();
        if (_settings.OwnsVault && _vault is IAsyncDisposable owned)
        {
            // It may take leave of the server, for which nobody here waits.
            _ = owned.DisposeAsync().AsTask();
        }
    }

    /// <exception cref="KmsException">As <see cref="OpenAsync(IVault, TransitSettings, OpenMode, BackendReports, TimeProvider, CancellationToken)"/>.</exception>
    private async ValueTask RequireDefaultKeyAsync(CancellationToken cancellation)
    {
        if (_settings.DefaultKeyId is not { } id)
        {
            return;
        }

        TransitLookup lookup = KeyId.IsLegal(id)
            ? await _keys.ReadAsync(id, cancellation)
            : throw new KmsException(KmsError.InvalidConfiguration, $"default_key_id '{id}' is not a legal key id");
        if (lookup.Key is not { Key: not null } key)
        {
            throw lookup.Error switch
            {
                KmsError.None or KmsError.KeyNotFound => new KmsException(KmsError.KeyNotFound, WhyNoDefaultKeyIsMade(id)!),
                _ => new KmsException(lookup.Error == KmsError.KeyDamaged ? KmsError.BackendRejected : lookup.Error, lookup.Sentence),
            };
        }

        _keys.Set(key);
        (KmsError error, string sentence) = await _probe.EnsureAsync(id, cancellation);
        if (error != KmsError.None)
        {
            throw new KmsException(error, sentence);
        }
    }

    private async ValueTask<KmsError> WhyNotWrappingAsync(KnownKey key, CancellationToken cancellation)
    {
        string keyId = key.Description.KeyId;
        KmsError error = KeyRules.WhyNotWrapping(key.Description.State);
        if (error == KmsError.None && !key.HasRecord)
        {
            error = await _writer.EnsureRecordAsync(keyId, cancellation);
        }

        if (error != KmsError.None)
        {
            return error;
        }

        (error, string sentence) = await _probe.EnsureAsync(keyId, cancellation);
        if (error != KmsError.None)
        {
            Refuse(sentence);
        }

        return error;
    }

    private async Task<(KmsError Error, SecretBytes? Value)> OpenAsync(Envelope envelope)
    {
        TransitItem asked = TransitItem.Decrypt(envelope.EncryptedKey, TransitEnvelopes.AssociatedDataOf(envelope.Context));
        using TransitItem item = await _coalescer.RunAsync(envelope.MasterKeyId, asked, CancellationToken.None);
        if (item.Error != KmsError.None)
        {
            if (item.Error is not (KmsError.BackendUnavailable or KmsError.BackendTimeout))
            {
                Refuse($"a data key of key '{envelope.MasterKeyId}' was not opened: {item.Reason}");
            }

            return (item.Error, null);
        }

        _probe.Begin(envelope.MasterKeyId);
        return (KmsError.None, SecretBytes.CopyOf(item.Result));
    }

    /// <summary>Versions only grow. Where the token may make keys, encrypting under one that somebody deleted has made it anew.</summary>
    private void NoteOtherKey(KeyDescription known, uint version)
    {
        if (version < known.Version)
        {
            Refuse($"key '{known.KeyId}' had version {known.Version} and now has {version}: it was deleted in Transit and made anew; what the former one wrapped is lost, "
                + "unless it is restored from a backup: vault write transit/restore/NAME");
        }
    }

    /// <summary>Callers can provoke it at will.</summary>
    private void Refuse(string sentence)
    {
        if (_refusals.TryPass(out long heldBack))
        {
            _reports.Notice(heldBack == 0 ? sentence : $"{sentence} (and {heldBack} more since the last such line)");
        }
    }
}
