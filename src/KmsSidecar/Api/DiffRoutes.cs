using System.Globalization;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Api;

/// <summary><c>config/diff</c>: what differs between two stored configurations, without their secrets.</summary>
internal sealed class DiffRoutes(KmsService service, ConfigurationStore store)
{
    /// <summary><c>to</c> is the current generation and <c>from</c> is the parent of <c>to</c>, unless given.</summary>
    public ValueTask<KmsError> DiffAsync(Call call)
    {
        using StoredGeneration after = Load(Number(call, "to") ?? Current());
        long? from = Number(call, "from") ?? after.Parent;
        using StoredGeneration? before = from is { } number ? Load(number) : null;

        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteBoolean("success", true);
        writer.WriteString("message", "configurations compared successfully");
        Describe(writer, "from", before);
        Describe(writer, "to", after);
        ConfigurationChanges.Write(writer, FieldChange.Between(before?.Document, after.Document));
        string[] former = [.. before?.DecryptOnly.Select(static entry => entry.Name) ?? []];
        string[] present = [.. after.DecryptOnly.Select(static entry => entry.Name)];
        ConfigurationChanges.WriteNames(writer, "decrypt_only_added", present.Except(former));
        ConfigurationChanges.WriteNames(writer, "decrypt_only_removed", former.Except(present));
        writer.WriteEndObject();
        return new ValueTask<KmsError>(KmsError.None);
    }

    private static void Describe(Utf8JsonWriter writer, string member, StoredGeneration? generation)
    {
        if (generation is null)
        {
            writer.WriteNull(member);
            return;
        }

        writer.WriteStartObject(member);
        writer.WriteNumber("generation", generation.Number);
        writer.WriteString("saved_at", generation.SavedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        writer.WriteString("action", generation.Action);
        writer.WriteString("by", generation.Actor.Who);
        writer.WriteString("from", generation.Actor.From);
        writer.WriteString("backend_type", generation.Document.Backend.Tag());
        writer.WriteEndObject();
    }

    private static long? Number(Call call, string name)
    {
        if (!call.Query.TryGetValue(name, out string? text))
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0
            ? number
            : throw new KmsException(KmsError.MalformedRequest, $"parameter '{name}' is not the number of a generation");
    }

    private long Current()
    {
        using SnapshotLease lease = service.Acquire();
        return lease.Snapshot.Generation > 0
            ? lease.Snapshot.Generation
            : throw new KmsException(KmsError.WrongState, "there is no configuration yet");
    }

    private StoredGeneration Load(long number) => store.Load(number) ?? throw new KmsException(
        KmsError.KeyNotFound, $"generation {number} is not kept; GET /rustfs/admin/v3/kms/config/history lists those that are");
}
