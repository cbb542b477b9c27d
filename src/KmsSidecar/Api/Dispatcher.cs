using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using KmsSidecar.Access;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Audit;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using Microsoft.AspNetCore.Http.Features;

namespace KmsSidecar.Api;

/// <summary>Takes every request through the same steps: admit, find the route, read, authenticate, authorise, run, answer, count.</summary>
internal sealed class Dispatcher
{
    private static readonly string RetryAfter = KmsErrors.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);

    private readonly Router _router;
    private readonly RequestGate _gate;
    private readonly AccessGate _access;
    private readonly SignatureRefusals _refusals;
    private readonly AccessDenials _denials;
    private readonly Outcomes _outcomes;
    private readonly TimeSpan _bodyLimit;

    /// <param name="bodyLimit">How long a body may take to arrive.</param>
    public Dispatcher(
        Router router, RequestGate gate, AccessGate access, SignatureRefusals refusals, AccessDenials denials, Outcomes outcomes, TimeSpan bodyLimit)
    {
        _router = router;
        _gate = gate;
        _access = access;
        _refusals = refusals;
        _denials = denials;
        _outcomes = outcomes;
        _bodyLimit = bodyLimit;
    }

    public async Task InvokeAsync(HttpContext http)
    {
        long started = Stopwatch.GetTimestamp();
        ConnectionOrigin origin = http.Features.GetRequiredFeature<ConnectionOrigin>();
        string? operation = AwsTarget.OperationOf(http.Request);
        using Call call = new()
        {
            Dialect = operation is null ? Dialect.Native : Dialect.AwsKms,
            Surface = origin.Surface,
            Accept = http.Request.Headers.Accept.ToString(),
        };
        using RequestScope scope = RequestScope.Begin(call.RequestId.ToString());
        int? index = null;
        try
        {
            if (Admit(http, origin, call, out RequestTarget? target))
            {
                KmsError routing = _router.Find(
                    origin.Surface, http.Request.Method, target.Path, operation, out int found, out string? parameter);
                Route? route = routing == KmsError.None ? _router.Routes[found] : null;
                index = route is null ? index : found;
                call.PathParameter = parameter;
                call.Dialect = route?.Dialect ?? Dialect.Native;
                await RunAsync(http, origin, call, target, route, routing);
            }
        }
        catch (OperationCanceledException)
        {
            // Only the caller's going away gets here, and nobody is left to answer. What was asked may have been done.
            call.Audit.Failure = "CallerGone";
            call.Status = StatusCodes.Status499ClientClosedRequest;
        }

        call.Audit.Subject = origin.Subject
            ?? AuditSubject.OverTcp(http.Connection.RemoteIpAddress?.ToString(), call.Caller?.AccessKey, call.Caller?.Principal.Name);
        await _outcomes.EndAsync(index, call, started);
        if (call.Status != StatusCodes.Status499ClientClosedRequest)
        {
            await AnswerAsync(http, call);
        }
    }

    /// <summary>Whether this connection may ask at all, and for what.</summary>
    private bool Admit(HttpContext http, ConnectionOrigin origin, Call call, [NotNullWhen(true)] out RequestTarget? target)
    {
        target = null;
        if (!origin.IsAdmitted)
        {
            http.Response.Headers.Connection = "close";
            call.Audit.IsTurnedAway = true;
            _outcomes.Refuse(call, KmsError.Forbidden, "this process may not use this socket: its user and group are not on the allow-list", route: null);
            return false;
        }

        if (!RequestGate.TryReadTarget(http, out target, out AuthFailure? failure))
        {
            Refuse(http, call, origin, failure);
            return false;
        }

        return true;
    }

    private async ValueTask RunAsync(HttpContext http, ConnectionOrigin origin, Call call, RequestTarget target, Route? route, KmsError routing)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        call.Cancellation = limit.Token;
        try
        {
            limit.CancelAfter(_bodyLimit);
            if (!await AuthenticateAsync(http, origin, call, target, route))
            {
                return;
            }

            if (route is null)
            {
                RefuseUnrouted(http, origin, call, target, routing);
                return;
            }

            limit.CancelAfter(route.TimeLimit);
            await HandleAsync(http, call, target, route);
        }
        catch (KmsException failure)
        {
            _outcomes.Refuse(call, failure.Error, failure.Message, route);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            _outcomes.Refuse(call, KmsError.BackendTimeout, message: null, route);
        }
        catch (Exception bug) when (bug is not OperationCanceledException)
        {
            _outcomes.Fail(call, bug, route);
        }
    }

    /// <summary>Reads the body, and knows the caller at the end of it; false when the call has been refused.</summary>
    private async ValueTask<bool> AuthenticateAsync(HttpContext http, ConnectionOrigin origin, Call call, RequestTarget target, Route? route)
    {
        bool isSigned = origin.Surface == Surface.Tcp && route?.Action.IsPublic != true;

        // Whatever it ends with before its signature is verified, nobody knows who asks.
        call.Audit.IsTurnedAway = isSigned;
        PendingVerification? pending = null;
        if (isSigned && _gate.Begin(http, target, out pending) is { } unsigned)
        {
            Refuse(http, call, origin, unsigned);
            return false;
        }

        await BodyReader.ReadAsync(http.Request, call.Input, route?.MaxBodyBytes ?? SigV4Verifier.MaxBodyBytes, call.Cancellation);
        call.Actor = new Actor(origin.Who ?? "anonymous", origin.Surface == Surface.AdminSocket ? "admin socket" : "data socket");
        if (pending is not null)
        {
            if (RequestGate.Complete(pending, call.Body.Span, out Caller? caller) is { } mismatch)
            {
                Refuse(http, call, origin, mismatch);
                return false;
            }

            call.Audit.IsTurnedAway = false;
            call.Caller = caller!;
            call.Actor = new Actor($"access key {caller!.AccessKey}", http.Connection.RemoteIpAddress?.ToString() ?? "unknown");
        }

        return true;
    }

    private async ValueTask HandleAsync(HttpContext http, Call call, RequestTarget target, Route route)
    {
        bool isReadable = RequestTargetRules.TryRead(target, out IReadOnlyDictionary<string, string>? query, out AuthFailure? malformed);
        call.Query = query ?? call.Query;

        // Before any fault of the request is told: who may not ask learns nothing else.
        if (call.Caller is { } caller && !route.Action.IsPublic && !await AuthoriseAsync(http, call, route, caller))
        {
            return;
        }

        if (!isReadable)
        {
            _outcomes.Refuse(call, KmsError.MalformedRequest, malformed!.Message, route);
            return;
        }

        KmsError error = _outcomes.WhyNot(route);
        error = error == KmsError.None ? await route.Handler(call) : error;
        if (error != KmsError.None)
        {
            _outcomes.Refuse(call, error, call.FailureMessage, route);
        }
    }

    /// <summary>Callers over TCP alone: those of the Unix sockets have been let in by the kernel's word, the admin socket's as owners.</summary>
    private async ValueTask<bool> AuthoriseAsync(HttpContext http, Call call, Route route, Caller caller)
    {
        Decision decision = await _access.JudgeAsync(http, call, route, caller.Principal);
        if (!decision.IsAllowed)
        {
            ErrorWriter.WriteRefusal(call, AuthFailure.AccessDenied);
            _denials.Count(caller.AccessKey, route, decision.Reason, call.RequestId.ToString());
        }

        return decision.IsAllowed;
    }

    private void RefuseUnrouted(HttpContext http, ConnectionOrigin origin, Call call, RequestTarget target, KmsError routing)
    {
        if (routing == KmsError.MethodNotAllowed)
        {
            http.Response.Headers.Allow = string.Join(", ", _router.MethodsOf(origin.Surface, target.Path));
        }

        _outcomes.Refuse(call, routing, message: null, route: null);
    }

    private void Refuse(HttpContext http, Call call, ConnectionOrigin origin, AuthFailure failure)
    {
        call.Audit.IsTurnedAway = true;
        ErrorWriter.WriteRefusal(call, _refusals.Count(origin.Surface, http.Connection.RemoteIpAddress, failure, call.RequestId.ToString()));
    }

    private static async ValueTask AnswerAsync(HttpContext http, Call call)
    {
        HttpResponse response = http.Response;
        response.StatusCode = call.Status;
        response.ContentType = call.ContentType;
        response.ContentLength = call.Output.WrittenSpan.Length;
        response.Headers["x-request-id"] = call.RequestId.ToString();
        if (call.Dialect != Dialect.Native)
        {
            response.Headers["x-amzn-RequestId"] = call.RequestId.ToString();
        }

        response.Headers.CacheControl = "no-store";
        if (call.IsRetryable)
        {
            response.Headers.RetryAfter = RetryAfter;
        }

        if (call.Status == StatusCodes.Status408RequestTimeout && !HttpProtocol.IsHttp2(http.Request.Protocol))
        {
            // The rest of the body may still come, and is no request of its own. HTTP/2 has a stream for each.
            response.Headers.Connection = "close";
        }

        if (!HttpMethods.IsHead(http.Request.Method))
        {
            // Without a token: what is written to a connection that is gone is dropped.
            await response.BodyWriter.WriteAsync(call.Output.WrittenMemory, CancellationToken.None);
        }
    }
}
