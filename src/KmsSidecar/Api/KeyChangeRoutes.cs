using System.Text.Json;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>Changes of one key of the active backend: state, metadata, rotation, deletion.</summary>
internal sealed class KeyChangeRoutes(KmsService service, KeyAdministration administration)
{
    public ValueTask<KmsError> EnableAsync(Call call) => ChangeAsync(call, new KeyChange.Enable(), "key enabled successfully");

    public ValueTask<KmsError> DisableAsync(Call call) => ChangeAsync(call, new KeyChange.Disable(), "key disabled successfully");

    public ValueTask<KmsError> CancelDeletionAsync(Call call) =>
        ChangeAsync(call, new KeyChange.CancelDeletion(), "key deletion cancelled successfully");

    public async ValueTask<KmsError> RotateAsync(Call call)
    {
        KeyChangeRequest.ReadKey(call);
        KeyDescription key = await administration.RotateAsync(call.KeyId, call.Actor, call.Cancellation);
        return Write(call, key, "key rotated successfully");
    }

    public async ValueTask<KmsError> UpdateDescriptionAsync(Call call)
    {
        KeyChange.Describe change = KeyChangeRequest.ReadDescription(call);
        return await ApplyAsync(call, change, "key description updated");
    }

    public async ValueTask<KmsError> TagAsync(Call call)
    {
        KeyChange.Tag change = KeyChangeRequest.ReadTags(call);
        return await ApplyAsync(call, change, "key tags updated");
    }

    public async ValueTask<KmsError> UntagAsync(Call call)
    {
        KeyChange.Untag change = KeyChangeRequest.ReadTagNames(call);
        return await ApplyAsync(call, change, "key tags removed");
    }

    /// <summary>Schedules a deletion, or destroys the key at once where that is asked for and allowed; upstream's answer says "deleted" of both.</summary>
    public async ValueTask<KmsError> DeleteAsync(Call call)
    {
        DeleteKeyRequest request = DeleteKeyRequest.Read(call);
        KeyImpact impact = await FindImpactAsync(call);
        string keyId;
        string? date = null;
        if (request.IsImmediate)
        {
            keyId = await administration.DestroyAsync(call.KeyId, request.Confirmation, call.Actor, call.Cancellation);
        }
        else
        {
            KeyDescription key = await administration.ScheduleDeletionAsync(call.KeyId, request.Days, call.Actor, call.Cancellation);
            (keyId, date) = (key.KeyId, key.DeletionDate);
        }

        call.Write(
            new DeleteKeyAnswer(true, "key deleted successfully", keyId, date, KeyImpactReport.From(impact)), AdminJson.Default.DeleteKeyAnswer);
        return KmsError.None;
    }

    public static void WriteNoChange(Utf8JsonWriter writer, Call call)
    {
        writer.WriteString("key_id", call.KeyId);
        writer.WriteNull("key_metadata");
    }

    public static void WriteNoDeletion(Utf8JsonWriter writer, Call call)
    {
        writer.WriteString("key_id", call.KeyId);
        writer.WriteNull("deletion_date");
        writer.WritePropertyName("impact");
        JsonSerializer.Serialize(
            writer, call.Impact is { } impact ? KeyImpactReport.From(impact) : null, AdminJson.Default.KeyImpactReport!);
    }

    private async ValueTask<KmsError> ChangeAsync(Call call, KeyChange change, string message)
    {
        KeyChangeRequest.ReadKey(call);
        return await ApplyAsync(call, change, message);
    }

    private async ValueTask<KmsError> ApplyAsync(Call call, KeyChange change, string message) =>
        Write(call, await administration.ChangeAsync(call.KeyId, change, call.Actor, call.Cancellation), message);

    private static KmsError Write(Call call, KeyDescription key, string message)
    {
        call.Audit.Note(key);
        call.Write(new ChangeKeyAnswer(true, message, key.KeyId, KeyMetadata.From(key)), AdminJson.Default.ChangeKeyAnswer);
        return KmsError.None;
    }

    /// <summary>For the answer, whether or not the deletion succeeds. What must hold is checked by the deletion itself.</summary>
    private async ValueTask<KeyImpact> FindImpactAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        (KmsError error, KeyImpact impact) = await DataKeys.FindImpactAsync(lease.Snapshot, call.KeyId, call.Cancellation);
        if (error != KmsError.None)
        {
            throw new KmsException(error);
        }

        call.Impact = impact;
        return impact;
    }
}
