using System.Collections.Concurrent;
using KmsSidecar.Access;
using KmsSidecar.Auth;

namespace KmsSidecar.Tests.Access;

/// <summary>Gives each access key what a test says.</summary>
internal sealed class FixedGrants : IGrantSource
{
    private readonly ConcurrentDictionary<string, Grants> _byUser = new(StringComparer.Ordinal);

    public Grants this[string user]
    {
        set => _byUser[user] = value;
    }

    public Grants GrantsOf(Principal caller) => caller.IsOwner ? Grants.Owner : FindGrants(caller.Name) ?? Grants.None;

    public Grants? FindGrants(string userName) => _byUser.GetValueOrDefault(userName);
}
