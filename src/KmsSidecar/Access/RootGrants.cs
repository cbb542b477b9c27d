using KmsSidecar.Auth;

namespace KmsSidecar.Access;

/// <summary>Only the root credentials have rights.</summary>
internal sealed class RootGrants : IGrantSource
{
    public Grants GrantsOf(Principal caller) => caller.IsOwner ? Grants.Owner : Grants.None;

    public Grants? FindGrants(string userName) => null;
}
