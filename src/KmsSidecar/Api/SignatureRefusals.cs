using System.Net;
using KmsSidecar.Auth;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>Counts requests that are not authenticated, and logs them without letting a stranger fill the log.</summary>
internal sealed partial class SignatureRefusals(FailureLimits limits, TimeProvider clock, ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::api");
    private readonly LogThrottle _throttle = new(clock, TimeSpan.FromSeconds(1));

    /// <summary>By <see cref="AuthErrorCode"/>.</summary>
    private readonly long[] _counts = new long[(int)AuthErrorCode.XAmzContentSHA256Mismatch + 1];

    public void AddTo(Metrics metrics) => metrics.Add(
        "kms_sidecar_authentication_failures_total",
        MetricType.Counter,
        "Requests that are not authenticated, by what the sender was told.",
        text =>
        {
            for (int i = 0; i < _counts.Length; i++)
            {
                text.Add(Interlocked.Read(ref _counts[i]), $"code=\"{((AuthErrorCode)i).ToString()}\"");
            }
        });

    /// <param name="address">Null on a Unix socket, where nothing is limited.</param>
    /// <returns>What the sender is told: why, or to slow down.</returns>
    public AuthFailure Count(Surface surface, IPAddress? address, AuthFailure failure, string requestId)
    {
        AuthFailure told = address is null ? failure : limits.Count(address, failure);
        Interlocked.Increment(ref _counts[(int)told.Code]);
        if (_throttle.TryPass(out long others))
        {
            Log.SignatureRefused(_log, surface, told.Code, requestId, others);
        }

        return told;
    }

    /// <summary>Nothing a caller sent is a parameter here.</summary>
    private static partial class Log
    {
        [LoggerMessage(EventIds.SignatureRefused, LogLevel.Warning,
            "{Surface} request refused: {Code}, request {RequestId}; {Others} more since the last such line")]
        public static partial void SignatureRefused(ILogger log, Surface surface, AuthErrorCode code, string requestId, long others);
    }
}
