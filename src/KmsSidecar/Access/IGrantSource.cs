using KmsSidecar.Auth;

namespace KmsSidecar.Access;

/// <summary>Knows what each caller has been given. Implementations are safe for concurrent use and do not block.</summary>
internal interface IGrantSource
{
    /// <summary>The grants of a caller who has just been authenticated; <see cref="Grants.None"/> for one who has meanwhile been removed.</summary>
    Grants GrantsOf(Principal caller);

    /// <summary>The grants of a user by name, for a question about somebody who is not the caller; null when there is no such user.</summary>
    Grants? FindGrants(string userName);
}
