using KmsSidecar.Access;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>Counts what policies refuse, and logs it without letting one caller fill the log.</summary>
internal sealed partial class AccessDenials(TimeProvider clock, ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::api");
    private readonly LogThrottle _throttle = new(clock, TimeSpan.FromSeconds(1));
    private long _count;

    public void AddTo(Metrics metrics) => metrics.AddCounter(
        "kms_sidecar_access_denied_total", "Requests of known callers that no policy allows, or one denies.", () => Interlocked.Read(ref _count));

    /// <param name="accessKey">Of a caller whose signature is good.</param>
    public void Count(string accessKey, Route route, DecisionReason reason, string requestId)
    {
        Interlocked.Increment(ref _count);
        if (_throttle.TryPass(out long others))
        {
            Log.AccessDenied(_log, accessKey, route.Action.Name, reason, requestId, others);
        }
    }

    /// <summary>Nothing a caller sent is a parameter here: only names from the route table, access keys that are known, and our own request id.</summary>
    private static partial class Log
    {
        [LoggerMessage(EventIds.AccessDenied, LogLevel.Information,
            "access key {AccessKey} may not {Action}: {Reason}, request {RequestId}; {Others} more since the last such line")]
        public static partial void AccessDenied(ILogger log, string accessKey, string action, DecisionReason reason, string requestId, long others);
    }
}
