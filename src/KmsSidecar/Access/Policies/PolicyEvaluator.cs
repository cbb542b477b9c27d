using System.Collections.Immutable;

namespace KmsSidecar.Access.Policies;

/// <summary>Judges a request by policies: what is denied anywhere is denied, else what is allowed anywhere is allowed, else it is not.</summary>
internal static class PolicyEvaluator
{
    /// <summary>A session's own policy takes away from what its user has, and gives nothing.</summary>
    public static Decision Evaluate(Grants grants, AccessRequest request, LegacyServerInfo legacy)
    {
        Decision granted = grants.IsOwner ? Decision.Owner : Judge(grants.Policies, request, legacy);
        if (!granted.IsAllowed || grants.SessionPolicy is not { } session)
        {
            return granted;
        }

        Decision bounded = Judge([new NamedPolicy(Decision.SessionPolicyName, session)], request, legacy);
        return bounded.IsAllowed ? granted : bounded with { Policy = Decision.SessionPolicyName };
    }

    private static Decision Judge(ImmutableArray<NamedPolicy> policies, AccessRequest request, LegacyServerInfo legacy)
    {
        Decision decision = Find(policies, request);
        if (decision.Reason != DecisionReason.NothingAllows || !IsGrantedByServerInfo(request, legacy))
        {
            return decision;
        }

        Decision asServerInfo = Find(policies, request with { Action = PolicyActions.ServerInfo });
        return asServerInfo.Reason == DecisionReason.NothingAllows ? decision : asServerInfo with { IsLegacy = true };
    }

    private static bool IsGrantedByServerInfo(AccessRequest request, LegacyServerInfo legacy) =>
        PolicyActions.FamilyOf(request.Action) == ActionFamily.Kms
        && !PolicyActions.UseKeys.Contains(request.Action)
        && (legacy == LegacyServerInfo.Full || (legacy == LegacyServerInfo.ReadOnly && request.IsRead));

    /// <summary>The first statement that denies, or else the first that allows.</summary>
    private static Decision Find(ImmutableArray<NamedPolicy> policies, AccessRequest request)
    {
        Decision decision = Decision.NothingAllows;
        foreach (NamedPolicy policy in policies)
        {
            ImmutableArray<PolicyStatement> statements = policy.Document.Statements;
            for (int i = 0; i < statements.Length; i++)
            {
                if ((statements[i].Allows && decision.IsAllowed) || !statements[i].AppliesTo(request))
                {
                    continue;
                }

                decision = new Decision(statements[i].Allows ? DecisionReason.Allowed : DecisionReason.Denied, policy.Name, i, statements[i].Sid);
                if (!statements[i].Allows)
                {
                    return decision;
                }
            }
        }

        return decision;
    }
}
