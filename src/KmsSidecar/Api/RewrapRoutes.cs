using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>Wraps data keys anew, one or many: under the newest version of their own key, or under another key.</summary>
internal sealed class RewrapRoutes(KmsService service)
{
    public async ValueTask<KmsError> RewrapAsync(Call call)
    {
        EnvelopesRequest request = EnvelopesRequest.Read(call.Body.Span, takesKeyId: true, call.Envelope);
        using SnapshotLease lease = service.Acquire();
        return request.IsBatch
            ? await RewrapManyAsync(call, lease.Snapshot, request)
            : await RewrapOneAsync(call, lease.Snapshot, request.Single, request.KeyId);
    }

    private static async ValueTask<KmsError> RewrapOneAsync(Call call, Snapshot snapshot, EnvelopesRequest.Item item, string? keyId)
    {
        using SecretBuffer envelope = new();
        DataKeys.Wrapped wrapped = await DataKeys.RewrapAsync(snapshot, item.Blob, item.Context, keyId, envelope, call.Cancellation);
        call.Audit.Note(snapshot, wrapped, item.Context);
        return DataKeyRoutes.WriteWrapped(call, wrapped, envelope);
    }

    /// <summary>Each item has its own outcome, in its place; the request fails where none can succeed, before any is tried.</summary>
    private static async ValueTask<KmsError> RewrapManyAsync(Call call, Snapshot snapshot, EnvelopesRequest request)
    {
        KmsError refusal = snapshot.IsRunning ? KmsError.None : KmsError.NotRunning;
        if (refusal == KmsError.None && request.KeyId is not null)
        {
            refusal = await DataKeys.WhyNotWrappingAsync(snapshot, request.KeyId, call.Cancellation);
        }

        if (refusal != KmsError.None)
        {
            return refusal;
        }

        using SecretBuffer envelope = new();
        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteStartArray("items");
        call.Audit.BeginItems(snapshot, request.Items.Length);
        await Items.WriteAsync(
            new Items.Room(writer, call.Plaintext, envelope),
            request.Items.Length,
            snapshot.OpensElsewhere,
            (index, room) => RewrapItemAsync(call, snapshot, request.Items[index], index, request.KeyId, room));
        writer.WriteEndArray();
        writer.WriteEndObject();
        return KmsError.None;
    }

    private static async ValueTask<KmsError> RewrapItemAsync(
        Call call, Snapshot snapshot, EnvelopesRequest.Item item, int index, string? keyId, Items.Room room)
    {
        if (item.Fault is not null)
        {
            call.Audit.NoteItem(index, item.Fault.Error);
            ErrorWriter.WriteItem(room.Writer, item.Fault.Error, item.Fault.Message);
            return KmsError.None;
        }

        room.Envelope.Clear();
        DataKeys.Wrapped wrapped = await DataKeys.RewrapAsync(snapshot, item.Blob, item.Context, keyId, room.Envelope, call.Cancellation);
        call.Audit.Note(snapshot, index, wrapped, item.Context);
        if (wrapped.Error == KmsError.None)
        {
            DataKeyRoutes.WriteWrapped(room.Writer, wrapped, room.Envelope);
        }
        else
        {
            ErrorWriter.WriteItem(room.Writer, wrapped.Error);
        }

        return KmsError.None;
    }
}
