using System.Net;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>Answers what policies say about somebody, without doing it.</summary>
internal sealed class PolicyRoutes(KmsService service, Authorizer authorizer, TimeProvider clock)
{
    /// <summary>Which statement decides whether a user may do something.</summary>
    /// <remarks>What only the request itself would tell is assumed where it is not given: now, no source address, no TLS, and that an action
    /// of which some routes change something is asked for by one of those.</remarks>
    public async ValueTask<KmsError> CheckAsync(Call call)
    {
        AccessRequest request = await ReadAsync(call);
        Decision decision = authorizer.Foresee(request) ?? throw new KmsException(KmsError.UserNotFound);
        call.Write(
            new PolicyCheckAnswer(true, decision.IsAllowed, decision.Explain(request), decision.Policy, decision.Statement, decision.Sid),
            AdminJson.Default.PolicyCheckAnswer);
        return KmsError.None;
    }

    private async ValueTask<AccessRequest> ReadAsync(Call call)
    {
        string? user = null;
        string? action = null;
        string? resource = null;
        IPAddress? source = null;
        DateTimeOffset time = clock.GetUtcNow();
        StrictObject members = new(call.Body.Span);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "user":
                    user = members.Text(128);
                    break;
                case "action":
                    action = ReadAction(ref members);
                    break;
                case "resource":
                    resource = members.TextOrNull(2048);
                    break;
                case "source_ip":
                    source = members.TextOrNull(64) is not { } address ? null
                        : ConditionValues.ParseAddress(address) ?? throw members.Refuse("is not an address");
                    break;
                case "time":
                    time = members.TextOrNull(64) is not { } text ? time
                        : ConditionValues.TryParseTime(text, out DateTimeOffset given) ? given
                        : throw members.Refuse("is not a time such as 2026-01-31T12:00:00Z");
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return new AccessRequest
        {
            Action = action ?? throw new KmsException(KmsError.MalformedRequest, "member 'action' is missing"),
            KeyId = resource is null ? null : await ResolveAsync(resource, call.Cancellation),
            UserName = user ?? throw new KmsException(KmsError.MalformedRequest, "member 'user' is missing"),
            SourceAddress = source,
            Time = time,
            IsRead = PolicyActions.Reads.Contains(action),
        };
    }

    private static string ReadAction(ref StrictObject members)
    {
        string action = members.Text(PolicyActions.MaxLength);
        return PolicyActions.FamilyOf(action) is null || action.EndsWith('*')
            ? throw members.Refuse("is not the name of one action, such as kms:DescribeKey")
            : action;
    }

    /// <summary>The key that is meant, by the rules by which a request would find it.</summary>
    private async ValueTask<string> ResolveAsync(string resource, CancellationToken cancellation)
    {
        using SnapshotLease lease = service.Acquire();
        (KmsError error, string keyId) = await KeyReference.ResolveAsync(lease.Snapshot, resource, cancellation);
        return error == KmsError.None
            ? keyId
            : throw new KmsException(KmsError.MalformedRequest, "member 'resource' names no key: a key id or arn:aws:kms:::key/ID is expected");
    }
}
