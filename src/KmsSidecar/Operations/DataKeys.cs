using System.Buffers;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Operations;

/// <summary>What callers ask for: data keys made, wrapped, opened and wrapped anew. The one path to a key, whatever the surface.</summary>
/// <remarks>Every operation runs on the snapshot it is given, which the caller holds until it has ended. Failures are returned, never thrown.</remarks>
internal static class DataKeys
{
    /// <param name="KeyId">In the form that the caller used, as AWS answers; the id itself when the caller named none.</param>
    /// <param name="ActualKeyId">The id itself; null when it was not found.</param>
    /// <param name="Source">Of a rewrap: what was opened.</param>
    public readonly record struct Wrapped(KmsError Error, string KeyId, uint KeyVersion, string? ActualKeyId = null, Opened Source = default);

    /// <param name="KeyId">That the envelope names, whether it opened or not; empty when it names none.</param>
    /// <param name="Length">Bytes of plaintext.</param>
    public readonly record struct Opened(KmsError Error, string KeyId, uint KeyVersion, int Length);

    /// <summary>Makes a data key and wraps it.</summary>
    /// <param name="keyReference">Null for the default key.</param>
    /// <param name="spec">What the envelope calls it.</param>
    /// <param name="plaintext">Receives the data key, which is as long as this. The caller wipes it.</param>
    /// <param name="envelope">Receives the wrapped key.</param>
    public static ValueTask<Wrapped> GenerateAsync(
        Snapshot snapshot,
        string? keyReference,
        KeySpec spec,
        EncryptionContext context,
        Memory<byte> plaintext,
        IBufferWriter<byte> envelope,
        CancellationToken cancellation)
    {
        RandomBytes.Fill(plaintext.Span);
        return WrapAsync(snapshot, keyReference, spec, context, plaintext, envelope, cancellation);
    }

    /// <summary>Wraps up to <see cref="Envelope.MaxPlaintextLength"/> bytes of the caller's.</summary>
    public static ValueTask<Wrapped> EncryptAsync(
        Snapshot snapshot,
        string? keyReference,
        EncryptionContext context,
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> envelope,
        CancellationToken cancellation) =>
        WrapAsync(snapshot, keyReference, KeySpecs.OfLength(plaintext.Length), context, plaintext, envelope, cancellation);

    /// <summary>Opens an envelope by whichever backend holds its key, former ones included.</summary>
    /// <param name="blob">The envelope's JSON.</param>
    /// <param name="plaintext">At least <see cref="Envelope.MaxPlaintextLength"/> bytes; the caller wipes them.</param>
    public static async ValueTask<Opened> DecryptAsync(
        Snapshot snapshot, ReadOnlyMemory<byte> blob, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        if (!snapshot.IsRunning)
        {
            return new Opened(KmsError.NotRunning, "", 0, 0);
        }

        if (!Envelope.TryParse(blob.Span, out Envelope? envelope))
        {
            return new Opened(KmsError.InvalidCiphertext, "", 0, 0);
        }

        // Whoever is sure comes first: an envelope of a backend that is here does not wait for one that is away.
        KmsError refusal = KmsError.InvalidCiphertext;
        for (KeyClaim claim = KeyClaim.Yes; claim > KeyClaim.No; claim--)
        {
            for (int i = 0; i < snapshot.Backends.Length; i++)
            {
                if (snapshot.Backends[i].Backend is not { } backend)
                {
                    // It may hold the key: that cannot be told, so the envelope is not called invalid.
                    refusal = KmsError.BackendUnavailable;
                    continue;
                }

                if (backend.ClaimOn(envelope!) != claim)
                {
                    continue;
                }

                UnwrapResult result = await backend.UnwrapAsync(envelope!, context, plaintext, cancellation);
                if (result.Error == KmsError.None)
                {
                    if (i > 0)
                    {
                        snapshot.DecryptOnly[i - 1].Use.Mark();
                    }

                    return new Opened(KmsError.None, envelope!.MasterKeyId, result.KeyVersion, result.Length);
                }

                // Two backends may hold different keys of one name: the next one gets its chance.
                if (result.Error != KmsError.InvalidCiphertext)
                {
                    refusal = result.Error;
                }
            }
        }

        return new Opened(refusal, envelope!.MasterKeyId, 0, 0);
    }

    /// <summary>Opens an envelope and wraps its content under the newest version of its own key, or under another key.</summary>
    /// <remarks>An envelope of a former backend moves to the active one: that is how a former backend is emptied.</remarks>
    /// <param name="keyReference">Null to stay with the envelope's own key: the active backend's key of that name, and where there is none
    /// its default key.</param>
    public static async ValueTask<Wrapped> RewrapAsync(
        Snapshot snapshot,
        ReadOnlyMemory<byte> blob,
        EncryptionContext context,
        string? keyReference,
        IBufferWriter<byte> envelope,
        CancellationToken cancellation)
    {
        using SecretBuffer scratch = new(Envelope.MaxPlaintextLength);
        Memory<byte> plaintext = scratch.GetMemory(Envelope.MaxPlaintextLength);
        Opened opened = await DecryptAsync(snapshot, blob, context, plaintext, cancellation);
        if (opened.Error != KmsError.None)
        {
            return new Wrapped(opened.Error, "", 0, Source: opened);
        }

        if (keyReference is null)
        {
            (KmsError error, bool isKey) = await snapshot.Backends[0].Backend!.HasKeyAsync(opened.KeyId, cancellation);
            if (error != KmsError.None)
            {
                return new Wrapped(error, "", 0, Source: opened);
            }

            keyReference = isKey ? opened.KeyId : null;
        }

        Wrapped wrapped = await WrapAsync(
            snapshot, keyReference, KeySpecs.OfLength(opened.Length), context, plaintext[..opened.Length], envelope, cancellation);
        return wrapped with { Source = opened };
    }

    /// <summary>Why nothing at all can be wrapped under a key; None when it can.</summary>
    public static async ValueTask<KmsError> WhyNotWrappingAsync(Snapshot snapshot, string? keyReference, CancellationToken cancellation)
    {
        (KmsError error, KeyDescription? key) = await DescribeAsync(snapshot, keyReference, cancellation);
        return error == KmsError.None ? KeyRules.WhyNotWrapping(key!.State) : error;
    }

    /// <summary>What is known of a key.</summary>
    public static async ValueTask<(KmsError Error, KeyDescription? Key)> DescribeAsync(
        Snapshot snapshot, string? keyReference, CancellationToken cancellation)
    {
        if (!snapshot.IsRunning)
        {
            return (KmsError.NotRunning, null);
        }

        (KmsError error, string keyId) = await KeyReference.ResolveAsync(snapshot, keyReference, cancellation);
        return error == KmsError.None ? await snapshot.Backends[0].Backend!.FindAsync(keyId, cancellation) : (error, null);
    }

    /// <summary>What depends on a key, which need not exist.</summary>
    public static async ValueTask<(KmsError Error, KeyImpact Impact)> FindImpactAsync(
        Snapshot snapshot, string keyReference, CancellationToken cancellation)
    {
        if (!snapshot.IsRunning)
        {
            return (KmsError.NotRunning, default);
        }

        (KmsError error, string keyId) = await KeyReference.ResolveAsync(snapshot, keyReference, cancellation);
        return (error, error == KmsError.None ? KeyImpact.Of(snapshot, keyId) : default);
    }

    private static async ValueTask<Wrapped> WrapAsync(
        Snapshot snapshot,
        string? keyReference,
        KeySpec spec,
        EncryptionContext context,
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> envelope,
        CancellationToken cancellation)
    {
        if (!snapshot.IsRunning)
        {
            return new Wrapped(KmsError.NotRunning, "", 0);
        }

        (KmsError error, string keyId) = await KeyReference.ResolveAsync(snapshot, keyReference, cancellation);
        if (error != KmsError.None)
        {
            return new Wrapped(error, "", 0);
        }

        WrapRequest request = new(keyId, spec, snapshot.Configuration!.EnvelopeForm, plaintext, context, envelope);
        WrapResult result = await snapshot.Backends[0].Backend!.WrapAsync(request, cancellation);
        return new Wrapped(result.Error, keyReference ?? keyId, result.KeyVersion, keyId);
    }
}
