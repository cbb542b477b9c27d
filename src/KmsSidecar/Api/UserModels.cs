using System.Collections.Immutable;
using KmsSidecar.Access.Users;

namespace KmsSidecar.Api;

/// <summary>A user without the secret.</summary>
/// <param name="Source">file or api.</param>
internal sealed record UserInfo(string AccessKey, string Status, ImmutableArray<string> Policies, string Source)
{
    public static UserInfo From(UserAccount user) => new(user.AccessKey, user.Status, user.Policies, user.IsFromFile ? "file" : "api");
}

internal sealed record UserAnswer(bool Success, string Message, UserInfo User);

internal sealed record ListUsersAnswer(bool Success, string Message, ImmutableArray<UserInfo> Users);

/// <param name="Source">built-in, file or api.</param>
internal sealed record PolicyInfo(string Name, string Source);

internal sealed record ListPoliciesAnswer(bool Success, string Message, ImmutableArray<PolicyInfo> Policies);

internal sealed record AccessAnswer(bool Success, string Message);
