using System.Security.Cryptography;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Keys;

/// <summary>Wraps and unwraps in this process, for every backend that hands out its key material.</summary>
/// <remarks>
/// <para>Bound form: XAES-256-GCM, random 192-bit nonce, <see cref="AssociatedData"/>. RustFS's form: AES-256-GCM, random 96-bit nonce, and
/// what it authenticates depends on the backend. Two switches say how RustFS writes it: local neither, static binds the context,
/// Vault KV v2 writes the version.</para>
/// <para>Thread-safe. The caller picks the key of the version, and keeps it alive until the call returns.</para>
/// </remarks>
/// <param name="bindsContextInRustFsForm">The canonical context of the envelope is authenticated; otherwise nothing is.</param>
/// <param name="writesVersionInRustFsForm">The envelope says the version of its key.</param>
internal sealed class EnvelopeSealer(bool bindsContextInRustFsForm, bool writesVersionInRustFsForm, TimeProvider time)
{
    private const int UuidLength = 36;

    /// <summary>Wraps the request's plaintext and writes the whole envelope to its output. Random 96-bit nonces allow 2^32 wraps
    /// in RustFS's form under one key; the caller counts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The plaintext is longer than <see cref="Envelope.MaxPlaintextLength"/>.</exception>
    /// <param name="namesVersion">The envelope says the version of its key also where the form would not.</param>
    public void Wrap(AeadKey key, uint keyVersion, in WrapRequest request, bool namesVersion = false)
    {
        ReadOnlySpan<byte> plaintext = request.Plaintext.Span;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(plaintext.Length, Envelope.MaxPlaintextLength, nameof(request));

        bool bound = request.Form == EnvelopeForm.Bound;
        Span<byte> nonce = stackalloc byte[bound ? AeadKey.XaesNonceLength : AeadKey.GcmNonceLength];
        Span<byte> encryptedKey = stackalloc byte[plaintext.Length + AeadKey.TagLength];
        RandomBytes.Fill(nonce);
        if (bound)
        {
            using AssociatedData associatedData = new(request.KeyId, keyVersion, request.Context);
            key.SealXaes(nonce, plaintext, associatedData.Bytes, encryptedKey);
        }
        else
        {
            key.SealGcm(nonce, plaintext, RustFsAssociatedData(request.Context), encryptedKey);
        }

        Span<char> dataKeyId = stackalloc char[UuidLength];
        RandomBytes.NextUuid().TryFormat(dataKeyId, out _);
        Span<char> createdAt = stackalloc char[ZonedTimestamp.MaxWrittenLength];
        createdAt = createdAt[..ZonedTimestamp.Format(time.GetUtcNow(), createdAt)];

        new EnvelopeWriter
        {
            DataKeyId = dataKeyId,
            MasterKeyId = request.KeyId,
            KeySpec = request.Spec.Name(),
            EncryptedKey = encryptedKey,
            Nonce = nonce,
            Context = request.Context,
            CreatedAt = createdAt,
            MasterKeyVersion = bound || writesVersionInRustFsForm || namesVersion ? keyVersion : null,
            Form = request.Form,
        }.WriteTo(request.Output);
    }

    /// <summary>Opens an envelope, if the request's context is the one the envelope asks for.</summary>
    /// <remarks>A bound envelope asks for exactly its own context. RustFS's form asks by RustFS's rule
    /// (<see cref="EncryptionContext.Admits"/>), and where it binds a context, that is the envelope's.</remarks>
    /// <param name="key">The key of <paramref name="keyVersion"/>.</param>
    /// <param name="keyVersion">What a bound envelope must name; for RustFS's form, merely the version that is reported.</param>
    /// <param name="context">The request's.</param>
    /// <param name="plaintext">At least <see cref="Envelope.MaxPlaintextLength"/> bytes; the caller wipes them. Zero when it fails.</param>
    /// <returns><see cref="KmsError.InvalidCiphertext"/> for every reason.</returns>
    public UnwrapResult Unwrap(AeadKey key, uint keyVersion, Envelope envelope, EncryptionContext context, Span<byte> plaintext)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(plaintext.Length, Envelope.MaxPlaintextLength);

        int length = envelope.EncryptedKey.Length - AeadKey.TagLength;
        bool opened = length is >= 0 and <= Envelope.MaxPlaintextLength
            && (envelope.Form == EnvelopeForm.Bound
                ? TryOpenBound(key, keyVersion, envelope, context, plaintext[..length])
                : TryOpenRustFs(key, envelope, context, plaintext[..length]));
        if (!opened)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            return new UnwrapResult(KmsError.InvalidCiphertext, 0, 0);
        }

        return new UnwrapResult(KmsError.None, keyVersion, length);
    }

    private static bool TryOpenBound(AeadKey key, uint keyVersion, Envelope envelope, EncryptionContext context, Span<byte> plaintext)
    {
        if (envelope.Nonce.Length != AeadKey.XaesNonceLength || envelope.MasterKeyVersion != keyVersion)
        {
            return false;
        }

        // The tag says whether the request's context is right. The envelope's copy is compared too, so that an edited copy does not
        // live on beside a key that opens.
        using AssociatedData associatedData = new(envelope.MasterKeyId, keyVersion, context);
        return context.Equals(envelope.Context)
            && key.TryOpenXaes(envelope.Nonce, envelope.EncryptedKey, associatedData.Bytes, plaintext);
    }

    private bool TryOpenRustFs(AeadKey key, Envelope envelope, EncryptionContext context, Span<byte> plaintext) =>
        envelope.Nonce.Length == AeadKey.GcmNonceLength
        && context.Admits(envelope.Context)
        && key.TryOpenGcm(envelope.Nonce, envelope.EncryptedKey, RustFsAssociatedData(envelope.Context), plaintext);

    private ReadOnlySpan<byte> RustFsAssociatedData(EncryptionContext context) =>
        bindsContextInRustFsForm ? context.CanonicalBytes : [];
}
