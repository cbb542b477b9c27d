using System.Globalization;

namespace KmsSidecar.Access;

/// <summary>Why a request is allowed or not.</summary>
internal enum DecisionReason
{
    /// <summary>The caller is the owner, for whom policies do not count.</summary>
    Owner,

    /// <summary>A statement allows it and none denies it.</summary>
    Allowed,

    /// <summary>A statement denies it; no other can make up for that.</summary>
    Denied,

    /// <summary>No statement allows it.</summary>
    NothingAllows,
}

/// <summary>The answer of the policies to one request.</summary>
/// <param name="Policy">The policy that decided; null when none did.</param>
/// <param name="Statement">Index of the deciding statement in that policy, from 0.</param>
/// <param name="Sid">That statement's own name, if it has one.</param>
/// <param name="IsLegacy">The statement is about <c>admin:ServerInfo</c>: see <see cref="LegacyServerInfo"/>.</param>
internal sealed record Decision(
    DecisionReason Reason, string? Policy = null, int? Statement = null, string? Sid = null, bool IsLegacy = false)
{
    /// <summary>Stands for the name of a session's own policy.</summary>
    public const string SessionPolicyName = "session policy";

    public static readonly Decision Owner = new(DecisionReason.Owner);

    public static readonly Decision NothingAllows = new(DecisionReason.NothingAllows);

    /// <summary>Nothing denies what needs no more than that.</summary>
    public static readonly Decision Unopposed = new(DecisionReason.Allowed);

    public bool IsAllowed => Reason is DecisionReason.Owner or DecisionReason.Allowed;

    /// <summary>The decision on a request in one sentence, for a person who asks why.</summary>
    public string Explain(AccessRequest request)
    {
        string what = request.KeyId is null ? request.Action : $"{request.Action} on key '{request.KeyId}'";
        return Reason switch
        {
            DecisionReason.Owner => $"{what} is allowed: '{request.UserName}' is the owner, for whom policies do not count",
            DecisionReason.NothingAllows when Policy is null => $"{what} is not allowed: no statement of the policies of '{request.UserName}' allows it",
            DecisionReason.NothingAllows => $"{what} is not allowed: no statement of the {Policy} allows it",
            DecisionReason.Allowed => $"{what} is allowed by {Place}",
            _ => $"{what} is denied by {Place}",
        };
    }

    private string Place
    {
        get
        {
            string sid = Sid is null ? "" : $" ('{Sid}')";
            string policy = Policy == SessionPolicyName ? $"the {Policy}" : $"policy '{Policy}'";
            string legacy = IsLegacy ? ", through admin:ServerInfo" : "";
            return string.Create(CultureInfo.InvariantCulture, $"Statement[{Statement}]{sid} of {policy}{legacy}");
        }
    }
}
