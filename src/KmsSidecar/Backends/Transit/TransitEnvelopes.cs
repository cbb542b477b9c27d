using KmsSidecar.Crypto;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>The envelopes that RustFS makes of Transit's ciphertexts: no nonce, and no version of the key beside that in the ciphertext.</summary>
internal sealed class TransitEnvelopes(TimeProvider clock)
{
    private const int UuidLength = 36;

    /// <summary>Whether it has the form; whether it opens is known to Transit alone.</summary>
    public static bool IsMine(Envelope envelope) =>
        envelope is { Form: EnvelopeForm.RustFs, Nonce: [] } && TransitCiphertext.HasPrefix(envelope.EncryptedKey);

    /// <summary>What Transit authenticates: nothing for an empty context, as RustFS has it.</summary>
    public static ReadOnlySpan<byte> AssociatedDataOf(EncryptionContext context) => context.IsEmpty ? [] : context.CanonicalBytes;

    public void Write(in WrapRequest request, ReadOnlySpan<byte> ciphertext)
    {
        Span<char> dataKeyId = stackalloc char[UuidLength];
        RandomBytes.NextUuid().TryFormat(dataKeyId, out _);
        Span<char> createdAt = stackalloc char[ZonedTimestamp.MaxWrittenLength];
        createdAt = createdAt[..ZonedTimestamp.Format(clock.GetUtcNow(), createdAt)];
        new EnvelopeWriter
        {
            DataKeyId = dataKeyId,
            MasterKeyId = request.KeyId,
            KeySpec = request.Spec.Name(),
            EncryptedKey = ciphertext,
            Nonce = [],
            Context = request.Context,
            CreatedAt = createdAt,
            MasterKeyVersion = null,
            Form = EnvelopeForm.RustFs,
        }.WriteTo(request.Output);
    }
}
