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
        await service.ConfigureAsync(call.Body, call.Actor, call.Cancellation);
        return Succeed(call, "KMS configured successfully");
    }

    public async ValueTask<KmsError> ReconfigureAsync(Call call)
    {
        RequireBody(call);
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
        await service.StopAsync(call.Actor, call.Cancellation);
        return Succeed(call, "KMS service stopped successfully");
    }

    public async ValueTask<KmsError> RollbackAsync(Call call)
    {
        long generation = await service.RollbackAsync(ReadGeneration(call.Body.Span), call.Actor, call.Cancellation);
        return Succeed(call, string.Create(CultureInfo.InvariantCulture, $"KMS rolled back to generation {generation}"));
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
                generation.Document.Text(ConfigurationField.DefaultKeyId)));
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
