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
        using SnapshotLease lease = service.Acquire();
        if (!lease.Snapshot.IsRunning)
        {
            return KmsError.NotRunning;
        }

        Utf8JsonWriter writer = call.BeginJson();
        if (!request.IsBatch)
        {
            KmsError refusal = await DecryptItemAsync(call, lease.Snapshot, request.Single, index: null, call.Plaintext, writer);
            writer.Flush();
            return refusal;
        }

        KmsError fault = await DecryptManyAsync(call, lease.Snapshot, request, new Items.Room(writer, call.Plaintext, call.Envelope));
        writer.Flush();
        return fault;
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
        call.Audit.Note(lease.Snapshot, wrapped, context);
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
        Wanted request = Wanted.Read(call);
        if (request.Count is not null && !withVersion)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'count' is unknown");
        }

        using SnapshotLease lease = service.Acquire();
        Utf8JsonWriter writer = call.BeginJson();
        Items.Room room = new(writer, call.Plaintext, call.Envelope);
        KmsError refusal = request.Count > 1
            ? await GenerateManyAsync(call, lease.Snapshot, request, room)
            : await GenerateItemAsync(call, lease.Snapshot, request, withVersion, item: null, room);
        if (refusal == KmsError.None)
        {
            writer.Flush();
        }
        else
        {
            writer.Reset();
        }

        return refusal;
    }

    private static async ValueTask<KmsError> GenerateManyAsync(Call call, Snapshot snapshot, Wanted request, Items.Room room)
    {
        room.Writer.WriteStartObject();
        room.Writer.WriteStartArray("data_keys");
        call.Audit.BeginItems(snapshot, request.Count!.Value);
        KmsError refusal = await Items.WriteAsync(
            room,
            request.Count.Value,
            snapshot.IsElsewhere,
            (index, own) => GenerateItemAsync(call, snapshot, request, withVersion: true, index, own));
        call.Audit.MergeItems();
        room.Writer.WriteEndArray();
        room.Writer.WriteEndObject();
        return refusal;
    }

    /// <summary>Writes nothing when it fails.</summary>
    /// <param name="item">Its place; null when it is the only one.</param>
    private static async ValueTask<KmsError> GenerateItemAsync(
        Call call, Snapshot snapshot, Wanted request, bool withVersion, int? item, Items.Room room)
    {
        room.Envelope.Clear();
        Memory<byte> plaintext = room.Plaintext.GetMemory()[..request.Spec.Length()];

        // A default key that changes in between is not the one that the caller's policies allowed.
        DataKeys.Wrapped wrapped = await DataKeys.GenerateAsync(
            snapshot, request.KeyId ?? call.JudgedKeyId, request.Spec, request.Context, plaintext, room.Envelope, call.Cancellation);
        call.Audit.Note(snapshot, item, wrapped, request.Context);
        if (wrapped.Error != KmsError.None)
        {
            return wrapped.Error;
        }

        room.Writer.WriteStartObject();
        room.Writer.WriteString("key_id", wrapped.KeyId);
        if (withVersion)
        {
            room.Writer.WriteNumber("key_version", wrapped.KeyVersion);
        }

        room.Writer.WriteBase64String("plaintext_key", plaintext.Span);
        room.Writer.WriteBase64String("ciphertext_blob", room.Envelope.WrittenSpan);
        room.Writer.WriteEndObject();
        return KmsError.None;
    }

    private static async ValueTask<KmsError> DecryptManyAsync(Call call, Snapshot snapshot, EnvelopesRequest request, Items.Room room)
    {
        room.Writer.WriteStartObject();
        room.Writer.WriteStartArray("items");
        call.Audit.BeginItems(snapshot, request.Items.Length);
        KmsError fault = await Items.WriteAsync(room, request.Items.Length, snapshot.OpensElsewhere, OpenAsync);
        room.Writer.WriteEndArray();
        room.Writer.WriteEndObject();
        return fault;

        async ValueTask<KmsError> OpenAsync(int index, Items.Room own)
        {
            EnvelopesRequest.Item item = request.Items[index];
            KmsError error = item.Fault?.Error ?? await DecryptItemAsync(call, snapshot, item, index, own.Plaintext, own.Writer);
            if (item.Fault is not null)
            {
                call.Audit.NoteItem(index, error);
            }

            if (error != KmsError.None)
            {
                ErrorWriter.WriteItem(own.Writer, error, item.Fault?.Message);
            }

            return KmsError.None;
        }
    }

    /// <summary>Writes nothing when it fails.</summary>
    /// <param name="index">Its place; null when it is the only one.</param>
    private static async ValueTask<KmsError> DecryptItemAsync(
        Call call, Snapshot snapshot, EnvelopesRequest.Item item, int? index, SecretBuffer room, Utf8JsonWriter writer)
    {
        Memory<byte> plaintext = room.GetMemory(Envelope.MaxPlaintextLength);
        DataKeys.Opened opened = await DataKeys.DecryptAsync(snapshot, item.Blob, item.Context, plaintext, call.Cancellation);
        call.Audit.Note(snapshot, index, opened, item.Context);
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

    /// <summary>What a generate asks for.</summary>
    private readonly record struct Wanted(string? KeyId, KeySpec Spec, EncryptionContext Context, int? Count)
    {
        public static Wanted Read(Call call)
        {
            DataKeyRequest request = DataKeyRequest.Read(call.Body.Span, payload: null, buffer: []);
            return new Wanted(request.KeyId, request.Spec, request.Context, request.Count);
        }
    }
}
