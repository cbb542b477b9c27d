using System.Collections.Immutable;
using KmsSidecar.Access.Policies;

namespace KmsSidecar.Access.Users;

/// <summary>All users and all policies of one moment. Immutable.</summary>
/// <param name="Users">By access key.</param>
/// <param name="Policies">Those that people made, by name; the canned ones are not among them.</param>
internal sealed record AccountSet(ImmutableDictionary<string, UserAccount> Users, ImmutableDictionary<string, StoredPolicy> Policies)
{
    public static readonly AccountSet Empty = new(
        ImmutableDictionary.Create<string, UserAccount>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, StoredPolicy>(StringComparer.Ordinal));

    /// <summary>The policy of that name, canned ones included; null when there is none.</summary>
    public NamedPolicy? FindPolicy(string name) => CannedPolicies.Find(name) ?? Policies.GetValueOrDefault(name)?.Policy;

    /// <summary>What a user may do. Nothing while one of its policies is missing: it might be the one that denies.</summary>
    public Grants GrantsOf(UserAccount user)
    {
        ImmutableArray<NamedPolicy?> policies = [.. user.Policies.Select(FindPolicy)];
        return user.IsEnabled && !policies.Contains(null) ? new Grants { Policies = [.. policies.OfType<NamedPolicy>()] } : Grants.None;
    }
}

/// <summary>A policy that people made.</summary>
/// <param name="IsFromFile">From the users file, and so not to be changed in any other way.</param>
internal sealed record StoredPolicy(NamedPolicy Policy, bool IsFromFile);
