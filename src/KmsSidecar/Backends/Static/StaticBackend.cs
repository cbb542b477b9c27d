using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Static;

/// <summary>One key from the configuration, used as it is; RustFS's static backend.</summary>
internal sealed class StaticBackend : IKeyBackend
{
    private const uint Version = 1;

    private readonly KeyDescription _description;
    private readonly AeadKey _key;
    private readonly EnvelopeSealer _sealer;

    /// <param name="key">Copied; stays the caller's.</param>
    public StaticBackend(StaticKey key, TimeProvider clock)
    {
        _key = AeadKey.From(key.Material.Span);
        _sealer = new EnvelopeSealer(bindsContextInRustFsForm: true, writesVersionInRustFsForm: false, clock);
        _description = new KeyDescription
        {
            KeyId = key.KeyId,
            State = KeyState.Enabled,
            Version = Version,
            Description = "Static single-key KMS backend",
            CreatedAt = ZonedTimestamp.Format(clock.GetUtcNow()),
            Origin = "EXTERNAL",
            Manager = "STATIC",
        };
    }

    public BackendCapabilities Capabilities => BackendCapabilities.WrapOnly;

    public ImmutableArray<UnreadableKey> Unreadable => [];

    public string? SoleKeyId => _description.KeyId;

    public int? KeyCount => 1;

    public KeyCounts? CountKeys() => new(Enabled: 1, Disabled: 0, PendingDeletion: 0, Unknown: 0);

    public ValueTask CheckHealthAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public string WhyNoDefaultKeyIsMade(string keyId) =>
        $"default key '{keyId}' does not exist in backend 'static', which has the key '{_description.KeyId}' alone";

    public KeyClaim ClaimOn(Envelope envelope) => IsMine(envelope.MasterKeyId) ? KeyClaim.Yes : KeyClaim.No;

    public ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation) =>
        ValueTask.FromResult<(KmsError, KeyDescription?)>(IsMine(keyId) ? (KmsError.None, _description) : (KmsError.KeyNotFound, null));

    public ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation)
    {
        bool listed = limit > 0 && (marker is null || Utf8Order.Instance.Compare(marker, _description.KeyId) < 0);
        return ValueTask.FromResult(new KeyPage(listed ? [_description] : [], NextMarker: null));
    }

    public ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation) => throw (IsMine(request.KeyId)
        ? new KmsException(KmsError.KeyExists)
        : new KmsException(KmsError.Unsupported, "Static KMS is read-only: cannot create new keys"));

    public ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation)
    {
        if (!IsMine(request.KeyId))
        {
            return ValueTask.FromResult(new WrapResult(KmsError.KeyNotFound, 0));
        }

        _sealer.Wrap(_key, Version, request);
        return ValueTask.FromResult(new WrapResult(KmsError.None, Version));
    }

    public ValueTask<UnwrapResult> UnwrapAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        if (!IsMine(envelope.MasterKeyId))
        {
            plaintext.Span.Clear();
            return ValueTask.FromResult(new UnwrapResult(KmsError.InvalidCiphertext, 0, 0));
        }

        return ValueTask.FromResult(_sealer.Unwrap(_key, Version, envelope, context, plaintext.Span));
    }

    public void Dispose() => _key.Dispose();

    private bool IsMine(string keyId) => string.Equals(keyId, _description.KeyId, StringComparison.Ordinal);
}
