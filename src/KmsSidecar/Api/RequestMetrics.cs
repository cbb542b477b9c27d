using System.Diagnostics;
using System.Numerics;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>Counts every request by its route, the door it came through and the backend that was active.</summary>
/// <remarks>Bounded by the route table: what callers send makes no series.</remarks>
internal sealed class RequestMetrics
{
    private const string NoRoute = "none";

    private static readonly string[] Surfaces = ["tcp", "data_socket", "admin_socket"];

    /// <summary>The first is none.</summary>
    private static readonly string[] Backends =
    [
        "none", BackendType.Local.Tag(), BackendType.Static.Tag(), BackendType.Vault.Tag(), BackendType.VaultTransit.Tag(), BackendType.VaultKv2.Tag(),
    ];

    /// <summary>Those without which objects can be neither written nor read: their failures are told from the start, so that an alert sees the first one.</summary>
    private static readonly string[] Vital = ["decrypt", "encrypt", "generate_data_key", "rewrap"];

    /// <summary>Operations of keys, which a backend has a part in.</summary>
    private static readonly string[] OfKeys =
    [
        .. Vital, "delete_key", "describe_key", "disable_key", "enable_key", "list_keys", "rotate_key", "tag_resource", "untag_resource", "update_key_description",
    ];

    private static readonly string[] ReadOnly = [.. Vital, "describe_key", "list_keys"];

    /// <summary>Names and operations of the routes, and of the requests that match none.</summary>
    private readonly string[] _routes;
    private readonly string[] _operations;
    private readonly RequestSeries?[] _series;
    private readonly Func<BackendType?> _backend;

    /// <param name="backend">The active one of the moment; null for none. Asked for each request.</param>
    public RequestMetrics(Router router, Func<BackendType?> backend)
    {
        _routes = [.. router.Routes.Select(static route => route.Name), NoRoute];
        _operations = [.. router.Routes.Select(OperationOf), NoRoute];
        _series = new RequestSeries?[_routes.Length * Surfaces.Length * Backends.Length];
        _backend = backend;
    }

    public void AddTo(Metrics metrics)
    {
        metrics.Add(
            "kms_sidecar_requests_total", MetricType.Counter, "Requests answered, by route, result and HTTP status.", text => ForEach((series, labels) => series.WriteCounts(text, labels)));
        metrics.Add(
            "kms_sidecar_request_duration_seconds", MetricType.Histogram, "Time from the head of a request to its answer.", text => ForEach((series, labels) => text.Add(series.Durations, labels)));
        metrics.Add(
            "kms_sidecar_operation_failures_total", MetricType.Counter, "Requests that failed and no caller is to blame for, by operation.", WriteFailures);
        metrics.Add(
            "rustfs_kms_backend_operations_total", MetricType.Counter, "Requests that an active backend had a part in, by outcome.", WriteOperations);
        metrics.Add(
            "rustfs_kms_backend_operation_duration_seconds", MetricType.Histogram, "Time that such a request took.", WriteDurations);
    }

    /// <param name="route">Index of the route; null for none.</param>
    /// <param name="started">Timestamp of <see cref="Stopwatch"/>.</param>
    public void Count(int? route, Surface surface, RequestResult result, int status, long started)
    {
        int backend = _backend() is { } active ? 1 + (int)active : 0;
        int door = ((route ?? (_routes.Length - 1)) * Surfaces.Length) + BitOperations.Log2((uint)surface);
        int index = (door * Backends.Length) + backend;
        RequestSeries series = _series[index] ?? Interlocked.CompareExchange(ref _series[index], new RequestSeries(), null) ?? _series[index]!;
        series.Count(result, status, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>The policy action by its name: the same for the native and the AWS form of a request.</summary>
    private static string OperationOf(Route route)
    {
        bool isRewrap = route.AlsoNeeds is not null || route.Path == "/v1/rewrap";
        string action = route.Action.Name;
        return isRewrap ? "rewrap"
            : route.Action.IsPublic ? "probe"
            : JsonNamingPolicy.SnakeCaseLower.ConvertName(action[(action.IndexOf(':', StringComparison.Ordinal) + 1)..]);
    }

    private void ForEach(Action<RequestSeries, string> write)
    {
        for (int i = 0; i < _series.Length; i++)
        {
            if (Volatile.Read(ref _series[i]) is { } series)
            {
                int route = i / Backends.Length / Surfaces.Length;
                string surface = Surfaces[i / Backends.Length % Surfaces.Length];
                write(series, $"route=\"{_routes[route]}\",operation=\"{_operations[route]}\",surface=\"{surface}\",backend=\"{Backends[i % Backends.Length]}\"");
            }
        }
    }

    /// <param name="backend">Index of one; -1 for all.</param>
    private List<RequestSeries> SeriesOf(string operation, int backend)
    {
        List<RequestSeries> found = [];
        for (int i = 0; i < _series.Length; i++)
        {
            if (Volatile.Read(ref _series[i]) is { } series
                && (backend < 0 || backend == i % Backends.Length)
                && _operations[i / Backends.Length / Surfaces.Length] == operation)
            {
                found.Add(series);
            }
        }

        return found;
    }

    private void WriteFailures(MetricsText text)
    {
        foreach (string operation in Vital)
        {
            List<RequestSeries> series = SeriesOf(operation, backend: -1);
            foreach (RequestResult result in RequestResults.Failures)
            {
                text.Add(CountOf(series, result), $"operation=\"{operation}\",result=\"{result.Tag()}\"");
            }
        }
    }

    private void WriteOperations(MetricsText text) => ForEachBackendOperation((operation, backend, series) =>
    {
        string labels = $"backend=\"{Backends[backend]}\",operation=\"{operation}\",op_class=\"{(ReadOnly.Contains(operation) ? "read_idempotent" : "mutating_non_idempotent")}\"";
        text.Add(CountOf(series, RequestResult.Success), $"{labels},outcome=\"success\"");
        text.Add(CountOf(series, RequestResult.Invalid) + CountOf(series, RequestResult.Error), $"{labels},outcome=\"fatal\"");
        text.Add(CountOf(series, RequestResult.Unavailable), $"{labels},outcome=\"budget_exhausted\"");
        text.Add(CountOf(series, RequestResult.Timeout), $"{labels},outcome=\"deadline_exceeded\"");
    });

    private void WriteDurations(MetricsText text) => ForEachBackendOperation((operation, backend, series) =>
    {
        DurationHistogram all = new();
        series.ForEach(one => all.Add(one.Durations));
        text.Add(all, $"backend=\"{Backends[backend]}\",operation=\"{operation}\"");
    });

    /// <summary>Those that there have been, and the vital ones of the active backend.</summary>
    private void ForEachBackendOperation(Action<string, int, List<RequestSeries>> write)
    {
        int active = _backend() is { } type ? 1 + (int)type : 0;
        for (int backend = 1; backend < Backends.Length; backend++)
        {
            foreach (string operation in OfKeys)
            {
                List<RequestSeries> series = SeriesOf(operation, backend);
                if (series.Count > 0 || (backend == active && Vital.Contains(operation)))
                {
                    write(operation, backend, series);
                }
            }
        }
    }

    private static long CountOf(List<RequestSeries> series, RequestResult result)
    {
        long count = 0;
        series.ForEach(one => count += one.CountOf(result));
        return count;
    }
}
