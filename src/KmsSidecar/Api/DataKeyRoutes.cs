using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
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

    /// <summary>One envelope, or many; in an array each has its own outcome, in its place.</summary>
    public async ValueTask<KmsError> DecryptAsync(Call call)
    {
        EnvelopesRequest request = EnvelopesRequest.Read(call.Body.Span, takesKeyId: false, call.Envelope);
        Memory<byte> plaintext = call.Plaintext.GetMemory(Envelope.MaxPlaintextLength);
        using SnapshotLease lease = service.Acquire();
        if (!lease.Snapshot.IsRunning)
        {
            return KmsError.NotRunning;
        }

        Utf8JsonWriter writer = call.BeginJson();
        if (!request.IsBatch)
        {
            KmsError refusal = await DecryptItemAsync(call, lease.Snapshot, request.Single, plaintext, writer);
            writer.Flush();
            return refusal;
        }

        writer.WriteStartObject();
        writer.WriteStartArray("items");
        foreach (EnvelopesRequest.Item item in request.Items)
        {
            KmsError error = item.Fault?.Error ?? await DecryptItemAsync(call, lease.Snapshot, item, plaintext, writer);
            if (error != KmsError.None)
            {
                ErrorWriter.WriteItem(writer, error, item.Fault?.Message);
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return KmsError.None;
    }

    public async ValueTask<KmsError> EncryptAsync(Call call)
    {
        Memory<byte> plaintext = call.Plaintext.GetMemory(Envelope.MaxPlaintextLength);
        (string? keyId, EncryptionContext context, int? length) = Read(call, "plaintext", plaintext.Span);
        if (length is null or 0)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'plaintext' is missing or empty");
        }

        using SnapshotLease lease = service.Acquire();
        DataKeys.Wrapped wrapped = await DataKeys.EncryptAsync(
            lease.Snapshot, keyId, context, plaintext[..length.Value], call.Envelope, call.Cancellation);
        return WriteWrapped(call, wrapped, call.Envelope);
    }

    public static KmsError WriteWrapped(Call call, DataKeys.Wrapped wrapped, SecretBuffer envelope)
    {
        if (wrapped.Error != KmsError.None)
        {
            return wrapped.Error;
        }

        Utf8JsonWriter writer = call.BeginJson();
        WriteWrapped(writer, wrapped, envelope);
        writer.Flush();
        return KmsError.None;
    }

    public static void WriteWrapped(Utf8JsonWriter writer, DataKeys.Wrapped wrapped, SecretBuffer envelope)
    {
        writer.WriteStartObject();
        writer.WriteString("key_id", wrapped.KeyId);
        writer.WriteNumber("key_version", wrapped.KeyVersion);
        writer.WriteBase64String("ciphertext_blob", envelope.WrittenSpan);
        writer.WriteEndObject();
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
        Memory<byte> plaintext = call.Plaintext.GetMemory()[..spec.Length()];
        SecretBuffer envelope = call.Envelope;
        using SnapshotLease lease = service.Acquire();
        Utf8JsonWriter writer = call.BeginJson();
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

        writer.Flush();
        return KmsError.None;
    }

    private static (string? KeyId, KeySpec Spec, EncryptionContext Context, int? Count) ReadGenerate(Call call)
    {
        DataKeyRequest request = DataKeyRequest.Read(call.Body.Span, payload: null, buffer: []);
        return (request.KeyId, request.Spec, request.Context, request.Count);
    }

    /// <summary>Writes nothing when it fails.</summary>
    private static async ValueTask<KmsError> DecryptItemAsync(
        Call call, Snapshot snapshot, EnvelopesRequest.Item item, Memory<byte> plaintext, Utf8JsonWriter writer)
    {
        DataKeys.Opened opened = await DataKeys.DecryptAsync(snapshot, item.Blob, item.Context, plaintext, call.Cancellation);
        if (opened.Error == KmsError.None)
        {
            writer.WriteStartObject();
            writer.WriteString("key_id", opened.KeyId);
            writer.WriteNumber("key_version", opened.KeyVersion);
            writer.WriteBase64String("plaintext_key", plaintext.Span[..opened.Length]);
            writer.WriteEndObject();
        }

        return opened.Error;
    }

    private static (string? KeyId, EncryptionContext Context, int? Length) Read(Call call, string payload, Span<byte> buffer)
    {
        DataKeyRequest request = DataKeyRequest.Read(call.Body.Span, payload, buffer);
        return (request.KeyId, request.Context, request.PayloadLength);
    }
}
