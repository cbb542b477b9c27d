using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>The data-key operations in their native form, and upstream's admin route for the same.</summary>
internal sealed class DataKeyRoutes(KmsService service)
{
    public ValueTask<KmsError> GenerateAsync(Call call) => GenerateAsync(call, withVersion: true);

    /// <summary>Upstream's admin route: one key, and no version in the answer.</summary>
    public ValueTask<KmsError> GenerateForAdminAsync(Call call) => GenerateAsync(call, withVersion: false);

    public async ValueTask<KmsError> DecryptAsync(Call call)
    {
        using SecretBuffer payload = new(call.Body.Length);
        (EncryptionContext context, ReadOnlyMemory<byte> blob, string? keyId) = ReadBlob(call, payload);
        RefuseKeyId(keyId);
        using SecretBuffer scratch = new(Envelope.MaxPlaintextLength);
        Memory<byte> plaintext = scratch.GetMemory(Envelope.MaxPlaintextLength);
        using SnapshotLease lease = service.Acquire();
        DataKeys.Opened opened = await DataKeys.DecryptAsync(lease.Snapshot, blob, context, plaintext, call.Cancellation);
        if (opened.Error != KmsError.None)
        {
            return opened.Error;
        }

        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteString("key_id", opened.KeyId);
        writer.WriteNumber("key_version", opened.KeyVersion);
        writer.WriteBase64String("plaintext_key", plaintext.Span[..opened.Length]);
        writer.WriteEndObject();
        return KmsError.None;
    }

    public async ValueTask<KmsError> EncryptAsync(Call call)
    {
        using SecretBuffer payload = new(Envelope.MaxPlaintextLength);
        Memory<byte> plaintext = payload.GetMemory(Envelope.MaxPlaintextLength)[..Envelope.MaxPlaintextLength];
        (string? keyId, EncryptionContext context, int? length) = Read(call, "plaintext", plaintext.Span);
        if (length is null or 0)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'plaintext' is missing or empty");
        }

        using SecretBuffer envelope = new();
        using SnapshotLease lease = service.Acquire();
        DataKeys.Wrapped wrapped = await DataKeys.EncryptAsync(
            lease.Snapshot, keyId, context, plaintext[..length.Value], envelope, call.Cancellation);
        return WriteWrapped(call, wrapped, envelope);
    }

    public async ValueTask<KmsError> RewrapAsync(Call call)
    {
        using SecretBuffer payload = new(call.Body.Length);
        (EncryptionContext context, ReadOnlyMemory<byte> blob, string? keyId) = ReadBlob(call, payload);
        using SecretBuffer envelope = new();
        using SnapshotLease lease = service.Acquire();
        DataKeys.Wrapped wrapped = await DataKeys.RewrapAsync(lease.Snapshot, blob, context, keyId, envelope, call.Cancellation);
        return WriteWrapped(call, wrapped, envelope);
    }

    private async ValueTask<KmsError> GenerateAsync(Call call, bool withVersion)
    {
        (string? keyId, KeySpec spec, EncryptionContext context, int? count) = ReadGenerate(call);
        if (count is not null && !withVersion)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'count' is unknown");
        }

        // A default key that changes in between is not the one that the caller's policies allowed.
        keyId ??= call.JudgedKeyId;
        using SecretBuffer scratch = new(spec.Length());
        Memory<byte> plaintext = scratch.GetMemory()[..spec.Length()];
        using SecretBuffer envelope = new();
        using SnapshotLease lease = service.Acquire();
        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        if (count > 1)
        {
            writer.WriteStartObject();
            writer.WriteStartArray("data_keys");
        }

        for (int i = 0; i < (count ?? 1); i++)
        {
            envelope.Clear();
            DataKeys.Wrapped wrapped =
                await DataKeys.GenerateAsync(lease.Snapshot, keyId, spec, context, plaintext, envelope, call.Cancellation);
            if (wrapped.Error != KmsError.None)
            {
                writer.Reset();
                return wrapped.Error;
            }

            writer.WriteStartObject();
            writer.WriteString("key_id", wrapped.KeyId);
            if (withVersion)
            {
                writer.WriteNumber("key_version", wrapped.KeyVersion);
            }

            writer.WriteBase64String("plaintext_key", plaintext.Span);
            writer.WriteBase64String("ciphertext_blob", envelope.WrittenSpan);
            writer.WriteEndObject();
        }

        if (count > 1)
        {
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return KmsError.None;
    }

    private static KmsError WriteWrapped(Call call, DataKeys.Wrapped wrapped, SecretBuffer envelope)
    {
        if (wrapped.Error != KmsError.None)
        {
            return wrapped.Error;
        }

        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteString("key_id", wrapped.KeyId);
        writer.WriteNumber("key_version", wrapped.KeyVersion);
        writer.WriteBase64String("ciphertext_blob", envelope.WrittenSpan);
        writer.WriteEndObject();
        return KmsError.None;
    }

    private static (string? KeyId, KeySpec Spec, EncryptionContext Context, int? Count) ReadGenerate(Call call)
    {
        DataKeyRequest request = DataKeyRequest.Read(call.Body.Span, payload: null, buffer: []);
        return (request.KeyId, request.Spec, request.Context, request.Count);
    }

    /// <param name="payload">Holds the blob: as long as the body is, it has room for what the body's base64 decodes to.</param>
    private static (EncryptionContext Context, ReadOnlyMemory<byte> Blob, string? KeyId) ReadBlob(Call call, SecretBuffer payload)
    {
        Memory<byte> blob = payload.GetMemory(call.Body.Length);
        blob = blob[..Math.Min(blob.Length, Envelope.MaxUtf8Length)];
        (string? keyId, EncryptionContext context, int? length) = Read(call, "ciphertext_blob", blob.Span);
        return length is { } given
            ? (context, blob[..given], keyId)
            : throw new KmsException(KmsError.MalformedRequest, "member 'ciphertext_blob' is missing");
    }

    private static (string? KeyId, EncryptionContext Context, int? Length) Read(Call call, string payload, Span<byte> buffer)
    {
        DataKeyRequest request = DataKeyRequest.Read(call.Body.Span, payload, buffer);
        return (request.KeyId, request.Context, request.PayloadLength);
    }

    private static void RefuseKeyId(string? keyId)
    {
        if (keyId is not null)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'key_id' is unknown: the blob itself names its key");
        }
    }
}
