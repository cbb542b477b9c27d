using KmsSidecar.Access.Policies;
using KmsSidecar.Auth;

namespace KmsSidecar.Access.Sessions;

/// <summary>A session of a user: it has at most the rights that the user has at the time of each request.</summary>
/// <remarks>Never the owner, not even as a session of the root credentials: no session may manage users or start another session.</remarks>
/// <param name="Name">The user's access key.</param>
/// <param name="Policy">Must allow as well; null for none.</param>
internal sealed record SessionPrincipal(string Name, PolicyDocument? Policy) : Principal(Name, IsOwner: false);
