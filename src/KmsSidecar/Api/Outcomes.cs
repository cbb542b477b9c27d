using System.Diagnostics;
using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>What becomes of requests, whichever way they came in: refusals as answers and in the log, and the count of all.</summary>
internal sealed partial class Outcomes
{
    private readonly ILogger _log;

    /// <summary>By route index; the last one is of the requests that match no route.</summary>
    private readonly RouteSeries[] _series;

    public Outcomes(Router router, Metrics metrics, ILoggerFactory logs)
    {
        _log = logs.CreateLogger("rustfs::kms::api");
        _series = [.. router.Routes.Select(static route => route.Name).Append("none").Select(metrics.Add)];
    }

    /// <param name="message">Null for the error's own sentence.</param>
    public void Refuse(Call call, KmsError error, string? message, Route? route)
    {
        ErrorWriter.Write(call, error, message, route);
        if (_log.IsEnabled(LogLevel.Debug))
        {
            Log.Refused(_log, route?.Name ?? "no route", error, call.RequestId.ToString());
        }
    }

    /// <summary>A fault of ours.</summary>
    public void Fail(Call call, Exception bug, Route? route)
    {
        Log.Failed(_log, route?.Name ?? "no route", call.RequestId.ToString(), bug);
        Refuse(call, KmsError.Internal, message: null, route);
    }

    /// <param name="route">Index of the route; null for none.</param>
    /// <param name="started">Timestamp of <see cref="Stopwatch"/>.</param>
    public void Count(int? route, Call call, long started) =>
        _series[route ?? _series.Length - 1].Count(call.Status, Stopwatch.GetElapsedTime(started));

    /// <summary>Nothing a caller sent is a parameter here: only names from the route table, codes, and our own request id.</summary>
    private static partial class Log
    {
        [LoggerMessage(EventIds.RequestFailed, LogLevel.Error, "{Route} failed, request {RequestId}")]
        public static partial void Failed(ILogger log, string route, string requestId, Exception bug);

        [LoggerMessage(EventIds.OperationFailed, LogLevel.Debug, "{Route} refused: {Error}, request {RequestId}", SkipEnabledCheck = true)]
        public static partial void Refused(ILogger log, string route, KmsError error, string requestId);
    }
}
