using KmsSidecar.Access.Policies;
using KmsSidecar.Auth;

namespace KmsSidecar.Access;

/// <summary>Decides whether a caller may do something.</summary>
internal sealed class Authorizer(IGrantSource source, LegacyServerInfo legacy)
{
    public Decision Judge(Principal caller, AccessRequest request) => PolicyEvaluator.Evaluate(source.GrantsOf(caller), request, legacy);

    /// <summary>Whether the caller may do what no policy can grant: manage users and policies.</summary>
    public bool IsOwner(Principal caller) => source.GrantsOf(caller) is { IsOwner: true, SessionPolicy: null };

    /// <summary>What the answer would be if the user asked; null when there is no such user.</summary>
    public Decision? Foresee(AccessRequest request) => source.FindGrants(request.UserName) is { } grants
        ? PolicyEvaluator.Evaluate(grants, request, legacy)
        : null;
}
