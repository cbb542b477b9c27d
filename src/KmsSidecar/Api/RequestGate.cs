using System.Diagnostics.CodeAnalysis;
using KmsSidecar.Auth;
using KmsSidecar.Observability;
using Microsoft.AspNetCore.Http.Features;

namespace KmsSidecar.Api;

/// <summary>Adapts an HTTP request to the signature verifier: raw target and headers in, caller or refusal out.</summary>
internal sealed partial class RequestGate(SigV4Verifier verifier, ClockWatch clock, ILogger log)
{
    /// <summary>Everything that can be checked before the body is read.</summary>
    /// <returns>Null with a pending verification, or why the request is refused.</returns>
    public AuthFailure? Begin(HttpContext http, RequestTarget target, out PendingVerification? pending)
    {
        if (clock.FindJump(out _) is { } jump)
        {
            Log.ClockJumped(log, jump);
        }

        List<HeaderField> headers = new(http.Request.Headers.Count);
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in http.Request.Headers)
        {
            foreach (string? value in values)
            {
                headers.Add(new HeaderField(name, value ?? ""));
            }
        }

        return verifier.TryBegin(new RequestHead(http.Request.Method, target, headers), out pending, out AuthFailure? failure)
            ? null
            : failure;
    }

    /// <summary>Checks the body and says who signed.</summary>
    public static AuthFailure? Complete(PendingVerification pending, ReadOnlySpan<byte> body, out Caller? caller) =>
        pending.TryComplete(body, out caller, out AuthFailure? failure) ? null : failure;

    /// <summary>The request target exactly as it was sent, which is what was signed.</summary>
    public static bool TryReadTarget(
        HttpContext http, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out AuthFailure? failure) =>
        RequestTarget.TryParse(http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, out target, out failure);

    private static partial class Log
    {
        [LoggerMessage(EventIds.ClockJumped, LogLevel.Warning,
            "the clock was set by {Jump}, or the machine slept: signatures and sessions are judged by it, so good ones may be refused until it is right")]
        public static partial void ClockJumped(ILogger log, TimeSpan jump);
    }
}
