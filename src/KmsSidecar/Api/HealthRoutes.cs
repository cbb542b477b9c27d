using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>For probes and Prometheus. Nothing secret, no authentication.</summary>
internal sealed class HealthRoutes(KmsService service, Metrics metrics, TimeProvider clock)
{
    private readonly long _started = clock.GetTimestamp();

    /// <summary>The process answers.</summary>
    public static ValueTask<KmsError> LiveAsync(Call call) => Text(call, "ok\n");

    /// <summary>A data key can be asked for: running, and the backend is well. Why not is for callers who say who they are: <c>/kms/status</c>.</summary>
    public async ValueTask<KmsError> ReadyAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        if (!lease.Snapshot.IsRunning)
        {
            call.FailureMessage = $"not running: {lease.Snapshot.State}";
            return KmsError.NotRunning;
        }

        try
        {
            await lease.Snapshot.Backends[0].Backend!.CheckHealthAsync(call.Cancellation);
        }
        catch (KmsException)
        {
            call.FailureMessage = "the backend is not well";
            return KmsError.BackendUnavailable;
        }

        return await Text(call, "ok\n");
    }

    public ValueTask<KmsError> MetricsAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        string version = typeof(HealthRoutes).Assembly.GetName().Version!.ToString(3);
        return Text(
            call,
            metrics.Write(
                lease.Snapshot.State.ToString(), Enum.GetNames<ServiceState>(), lease.Snapshot.Generation, clock.GetElapsedTime(_started), version),
            "text/plain; version=0.0.4; charset=utf-8");
    }

    private static ValueTask<KmsError> Text(Call call, string text, string contentType = "text/plain; charset=utf-8")
    {
        call.ContentType = contentType;
        Encoding.UTF8.GetBytes(text, call.Output);
        return new ValueTask<KmsError>(KmsError.None);
    }
}
