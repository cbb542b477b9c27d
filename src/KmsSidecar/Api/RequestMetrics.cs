using System.Collections.Immutable;
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
    private static readonly string[] Backends = ["none", .. Enum.GetValues<BackendType>().Select(static type => type.Tag())];

    /// <summary>Those without which objects can be neither written nor read: their failures are told from the start, so that an alert sees the first one.</summary>
    private static readonly string[] Vital = ["decrypt", "encrypt", "generate_data_key", "rewrap"];

    /// <summary>Operations of policies and of the service, which no backend has a part in.</summary>
    private static readonly string[] NotOfKeys = [NoRoute, "assume_role", "clear_cache", "configure", "generate_random", "manage_access", "probe", "service_control", "unknown_operation"];

    private static readonly string[] ReadOnly = [.. Vital, "describe_key", "list_keys"];

    private readonly ImmutableArray<(string Name, string Operation)> _routes;
    private readonly RequestSeries?[] _series;
    private readonly Func<BackendType?> _backend;

    /// <param name="backend">The active one of the moment; null for none. Asked for each request.</param>
    public RequestMetrics(Router router, Func<BackendType?> backend)
    {
        _routes = [.. router.Routes.Select(static route => (route.Name, OperationOf(route))), (NoRoute, NoRoute)];
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
                (string route, string operation) = _routes[i / Backends.Length / Surfaces.Length];
                string surface = Surfaces[i / Backends.Length % Surfaces.Length];
                write(series, $"route=\"{route}\",operation=\"{operation}\",surface=\"{surface}\",backend=\"{Backends[i % Backends.Length]}\"");
            }
        }
    }

    /// <param name="backend">Null for all.</param>
    private IEnumerable<RequestSeries> SeriesOf(string operation, int? backend = null)
    {
        for (int i = 0; i < _series.Length; i++)
        {
            if (_routes[i / Backends.Length / Surfaces.Length].Operation == operation
                && (backend ?? (i % Backends.Length)) == i % Backends.Length
                && Volatile.Read(ref _series[i]) is { } series)
            {
                yield return series;
            }
        }
    }

    private void WriteFailures(MetricsText text)
    {
        foreach (string operation in Vital)
        {
            foreach (RequestResult result in RequestResults.Failures)
            {
                text.Add(SeriesOf(operation).Sum(series => series.CountOf(result)), $"operation=\"{operation}\",result=\"{result.Tag()}\"");
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
        foreach (RequestSeries one in series)
        {
            all.Add(one.Durations);
        }

        text.Add(all, $"backend=\"{Backends[backend]}\",operation=\"{operation}\"");
    });

    /// <summary>Those that there have been, and the vital ones of the active backend.</summary>
    private void ForEachBackendOperation(Action<string, int, RequestSeries[]> write)
    {
        int active = _backend() is { } type ? 1 + (int)type : 0;
        string[] operations = [.. _routes.Select(static route => route.Operation).Except(NotOfKeys).Order(StringComparer.Ordinal)];
        for (int backend = 1; backend < Backends.Length; backend++)
        {
            foreach (string operation in operations)
            {
                RequestSeries[] series = [.. SeriesOf(operation, backend)];
                if (series.Length > 0 || (backend == active && Vital.Contains(operation)))
                {
                    write(operation, backend, series);
                }
            }
        }
    }

    private static long CountOf(RequestSeries[] series, RequestResult result) => series.Sum(one => one.CountOf(result));
}
