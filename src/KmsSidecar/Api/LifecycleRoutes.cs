using System.Globalization;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Api;

/// <summary>configure, reconfigure, start, stop, rollback and the history of configurations.</summary>
internal sealed class LifecycleRoutes(KmsService service, ConfigurationStore store)
{
    public async ValueTask<KmsError> ConfigureAsync(Call call)
    {
        RequireBody(call);
        if (IsDryRun(call))
        {
            return Preview(call, await service.PreviewConfigureAsync(call.Body, call.Actor, call.Cancellation));
        }

        await service.ConfigureAsync(call.Body, call.Actor, call.Cancellation);
        return Succeed(call, "KMS configured successfully");
    }

    public async ValueTask<KmsError> ReconfigureAsync(Call call)
    {
        RequireBody(call);
        if (IsDryRun(call))
        {
            return Preview(call, await service.PreviewReconfigureAsync(call.Body, call.Actor, call.Cancellation));
        }

        ServiceState state = await service.ReconfigureAsync(call.Body, call.Actor, call.Cancellation);
        return Succeed(call, state == ServiceState.Running ? "KMS reconfigured and restarted successfully" : "KMS reconfigured successfully");
    }

    public async ValueTask<KmsError> StartAsync(Call call)
    {
        bool wasRunning = await service.StartAsync(ReadForce(call.Body.Span), call.Actor, call.Cancellation);
        return Succeed(call, wasRunning ? "KMS service restarted successfully" : "KMS service started successfully");
    }

    public async ValueTask<KmsError> StopAsync(Call call)
    {
        await service.StopAsync(call.Actor);
        return Succeed(call, "KMS service stopped successfully");
    }

    public async ValueTask<KmsError> RollbackAsync(Call call)
    {
        long? number = ReadGeneration(call.Body.Span);
        if (IsDryRun(call))
        {
            return Preview(call, await service.PreviewRollbackAsync(number, call.Actor, call.Cancellation));
        }

        long generation = await service.RollbackAsync(number, call.Actor, call.Cancellation);
        return Succeed(call, string.Create(CultureInfo.InvariantCulture, $"KMS rolled back to generation {generation}"));
    }

    public async ValueTask<KmsError> DropDecryptOnlyAsync(Call call)
    {
        RequireBody(call);
        (string name, bool force) = ReadDrop(call.Body.Span);
        await service.DropDecryptOnlyAsync(name, force, call.Actor, call.Cancellation);
        return Succeed(call, $"decrypt-only backend {name} dropped");
    }

    public ValueTask<KmsError> HistoryAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        List<HistoryEntry> entries = [];
        foreach (StoredGeneration stored in store.LoadAll())
        {
            using StoredGeneration generation = stored;
            entries.Add(new HistoryEntry(
                generation.Number,
                Current: generation.Number == lease.Snapshot.Generation,
                generation.SavedAt.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
                generation.Action,
                generation.Actor.Who,
                generation.Actor.From,
                generation.Changed,
                generation.Document.Backend.Tag(),
                generation.Document.Text(ConfigurationField.DefaultKeyId),
                [.. generation.DecryptOnly.Select(static entry => entry.Name)]));
        }

        call.Write(new HistoryAnswer(true, "configurations listed successfully", [.. entries]), AdminJson.Default.HistoryAnswer);
        return new ValueTask<KmsError>(KmsError.None);
    }

    /// <summary>Upstream's member of every failure here: the state as it is now.</summary>
    public void WriteState(Utf8JsonWriter writer, Call call)
    {
        using SnapshotLease lease = service.Acquire();
        writer.WritePropertyName("status");
        JsonSerializer.Serialize(writer, UpstreamState.Of(lease.Snapshot), AdminJson.Default.UpstreamState);
    }

    private KmsError Succeed(Call call, string message)
    {
        using SnapshotLease lease = service.Acquire();
        call.Write(new LifecycleAnswer(true, message, UpstreamState.Of(lease.Snapshot)), AdminJson.Default.LifecycleAnswer);
        return KmsError.None;
    }

    private KmsError Preview(Call call, ChangePreview preview)
    {
        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteBoolean("success", true);
        writer.WriteString("message", "the change would succeed; nothing was changed");
        writer.WriteBoolean("dry_run", true);
        WriteState(writer, call);
        ConfigurationChanges.Write(writer, preview.Changes);
        writer.WriteString("backend", preview.Backend);
        ConfigurationChanges.WriteNames(writer, "would_create", preview.WouldCreate);
        ConfigurationChanges.WriteNames(writer, "decrypt_only_after", preview.DecryptOnlyAfter);
        writer.WriteEndObject();
        return KmsError.None;
    }

    private static bool IsDryRun(Call call) => call.Query.GetValueOrDefault("dry_run") switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw new KmsException(KmsError.MalformedRequest, "parameter 'dry_run' is 'true' or 'false'"),
    };

    private static void RequireBody(Call call)
    {
        if (call.Body.IsEmpty)
        {
            throw new KmsException(KmsError.MalformedRequest, "a request body is required: a JSON object with 'backend_type' and its fields");
        }
    }

    private static bool ReadForce(ReadOnlySpan<byte> body)
    {
        bool force = false;
        if (body.IsEmpty)
        {
            return force;
        }

        StrictObject members = new(body);
        while (members.Next())
        {
            force = members.Name == "force" ? !members.IsNull && members.Flag() : throw members.Unknown();
        }

        return force;
    }

    private static (string Name, bool Force) ReadDrop(ReadOnlySpan<byte> body)
    {
        string? name = null;
        bool force = false;
        StrictObject members = new(body);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "name":
                    name = members.Text(DecryptOnlyEntry.MaxNameLength);
                    break;
                case "force":
                    force = !members.IsNull && members.Flag();
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return (name ?? throw new KmsException(KmsError.MalformedRequest, "member 'name' is missing: the decrypt-only backend to drop"), force);
    }

    private static long? ReadGeneration(ReadOnlySpan<byte> body)
    {
        long? generation = null;
        if (body.IsEmpty)
        {
            return generation;
        }

        StrictObject members = new(body);
        while (members.Next())
        {
            if (members.Name != "generation")
            {
                throw members.Unknown();
            }

            generation = members.IsNull ? null : members.Number(1, long.MaxValue);
        }

        return generation;
    }
}
