using System.Diagnostics;
using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>What becomes of requests, whichever way they came in: refusals as answers and in the log, and the count of all.</summary>
internal sealed partial class Outcomes(Router router, RequestMetrics requests, AuditTrail? audit, TimeProvider clock, ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::api");
    private readonly LogThrottle _faults = new(clock, TimeSpan.FromSeconds(1));

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
        if (_faults.TryPass(out long others))
        {
            Log.Failed(_log, route?.Name ?? "no route", call.RequestId.ToString(), others, bug);
        }

        Refuse(call, KmsError.Internal, message: null, route);
    }

    /// <summary>What has to be recorded and cannot be is not done.</summary>
    public KmsError WhyNot(Route route) => audit?.Refuses(route) == true ? KmsError.AuditUnavailable : KmsError.None;

    /// <summary>Records and counts a call whose answer is ready. An answer that must not be given unrecorded is taken back.</summary>
    /// <param name="index">Of the route; null for none.</param>
    /// <param name="started">Timestamp of <see cref="Stopwatch"/>.</param>
    public async ValueTask EndAsync(int? index, Call call, long started)
    {
        if (audit is not null && !await audit.RecordAsync(index, call, started))
        {
            Refuse(
                call,
                KmsError.AuditUnavailable,
                "what was asked may have been done, but could not be recorded, and this node answers nothing that is not; see the log",
                index is { } known ? router.Routes[known] : null);
        }

        // The failures that STS and AWS alone have are written by their handlers, and all are the caller's.
        RequestResult result = call.Result == RequestResult.Success && call.Status >= StatusCodes.Status400BadRequest ? RequestResult.Invalid : call.Result;
        requests.Count(index, call.Surface, result, call.Status, started);
    }

    /// <summary>Nothing a caller sent is a parameter here: only names from the route table, codes, and our own request id.</summary>
    private static partial class Log
    {
        [LoggerMessage(EventIds.RequestFailed, LogLevel.Error, "{Route} failed, request {RequestId}; {Others} more since the last such line")]
        public static partial void Failed(ILogger log, string route, string requestId, long others, Exception bug);

        [LoggerMessage(EventIds.OperationFailed, LogLevel.Debug, "{Route} refused: {Error}, request {RequestId}", SkipEnabledCheck = true)]
        public static partial void Refused(ILogger log, string route, KmsError error, string requestId);
    }
}
