using KmsSidecar.Access;
using KmsSidecar.Auth;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Api;

/// <summary>Asks the policies whether an authenticated caller may have a call answered, before anything of the call is acted on.</summary>
internal sealed class AccessGate(Authorizer authorizer, KmsService service, TimeProvider clock)
{
    /// <param name="call">With its body and what could be read of its query.</param>
    public async ValueTask<Decision> JudgeAsync(HttpContext http, Call call, Route route, Principal caller)
    {
        if (authorizer.IsOwner(caller))
        {
            return Decision.Owner;
        }

        if (route.Action.IsOwnerOnly)
        {
            return Decision.NothingAllows;
        }

        string? otherKeyId = null;
        using (SnapshotLease lease = service.Acquire())
        {
            call.JudgedKeyId = await KeyInQuestion.FindAsync(lease.Snapshot, call, route.Key);
            if (route.AlsoNeeds is { } other)
            {
                otherKeyId = await KeyInQuestion.FindAsync(lease.Snapshot, call, other.Key);
            }
        }

        Decision decision = Judge(http, route, caller, route.Action, call.JudgedKeyId);
        return decision.IsAllowed && route.AlsoNeeds is { } also ? Judge(http, route, caller, also.Action, otherKeyId) : decision;
    }

    private Decision Judge(HttpContext http, Route route, Principal caller, RouteAction action, string? keyId)
    {
        Decision decision = authorizer.Judge(caller, new AccessRequest
        {
            Action = action.Name,
            KeyId = keyId,
            UserName = caller.Name,
            SourceAddress = http.Connection.RemoteIpAddress,
            Time = clock.GetUtcNow(),
            IsSecure = http.Request.IsHttps,
            IsRead = route.Method == HttpMethods.Get,
        });
        return action.IsDenyOnly && decision.Reason == DecisionReason.NothingAllows ? Decision.Unopposed : decision;
    }
}
