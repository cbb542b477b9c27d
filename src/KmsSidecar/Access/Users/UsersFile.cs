using System.Collections.Immutable;
using System.Security.Cryptography;
using KmsSidecar.Access.Policies;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Storage;

namespace KmsSidecar.Access.Users;

/// <summary>Reads users and policies from a file that an operator writes.</summary>
/// <remarks><code>{"users":[{"access_key":"…","secret_key":"…","policies":["NAME"],"status":"enabled"}],"policies":{"NAME":{"Statement":[…]}}}</code>
/// It holds secrets, so it must be out of everybody else's reach.</remarks>
internal static class UsersFile
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxUsers = 4096;

    /// <exception cref="KmsException">InvalidConfiguration: with the file and the mend. StorageFailed: it cannot be read.</exception>
    public static AccountSet Read(string path)
    {
        byte[] content = BoundedFile.TryRead(path, MaxBytes, followSymbolicLinks: true, status => FindFault(path, status))
            ?? throw new KmsException(KmsError.InvalidConfiguration, FaultCause.Missing, $"the users file {path} does not exist; write it, or leave --users-file out");
        try
        {
            return Parse(content);
        }
        catch (KmsException fault) when (fault.Error == KmsError.MalformedRequest)
        {
            throw new KmsException(KmsError.InvalidConfiguration, $"the users file {path}: {fault.Message}", fault);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Says why a file of this owner and mode is refused; null when nobody else can read or change it.</summary>
    public static string? FindFault(string path, FileStatus status)
    {
        if (SecretPermissions.FindFault("the users file", path, status) is { } open)
        {
            return open;
        }

        return status.UserId == 0 || status.UserId == Posix.EffectiveUserId()
            ? null
            : $"the users file {path} belongs to uid {status.UserId}; run: chown {Posix.EffectiveUserId()} {path}";
    }

    /// <exception cref="KmsException">MalformedRequest: the place and the fault.</exception>
    public static AccountSet Parse(ReadOnlySpan<byte> json)
    {
        List<UserAccount> users = [];
        try
        {
            AccountSet set = Read(json, users);
            foreach (UserAccount user in users)
            {
                set = set.Users.ContainsKey(user.AccessKey)
                    ? throw Fault($"the user '{user.AccessKey}' is there twice")
                    : set with { Users = set.Users.Add(user.AccessKey, user) };
                if (user.Policies.FirstOrDefault(policy => set.FindPolicy(policy) is null) is string unknown)
                {
                    throw Fault($"the user '{user.AccessKey}' has the policy '{unknown}', which is not there");
                }
            }

            return set;
        }
        catch
        {
            users.ForEach(static user => user.Secret.Dispose());
            throw;
        }
    }

    private static AccountSet Read(ReadOnlySpan<byte> json, List<UserAccount> users)
    {
        AccountSet set = AccountSet.Empty;
        StrictObject members = new(json);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "users":
                    members.Items(MaxUsers, (ref StrictObject item) => item.Nested((ref StrictObject user) =>
                    {
                        users.Add(UserRecords.ReadUser(ref user, isFromFile: true));
                        return true;
                    }));
                    break;
                case "policies":
                    set = set with { Policies = members.Nested(ReadPolicies) };
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return set;
    }

    private static ImmutableDictionary<string, StoredPolicy> ReadPolicies(ref StrictObject members)
    {
        ImmutableDictionary<string, StoredPolicy> policies = AccountSet.Empty.Policies;
        while (members.Next())
        {
            string name = members.Name;
            string? fault = UserAccount.FindPolicyNameFault(name) ?? (CannedPolicies.Find(name) is null ? null : "the name is that of a canned policy");
            if (fault is not null)
            {
                throw members.Refuse($"cannot be used: {fault}");
            }

            try
            {
                policies = policies.Add(name, new StoredPolicy(new NamedPolicy(name, PolicyDocument.Parse(members.Raw())), IsFromFile: true));
            }
            catch (KmsException refused)
            {
                throw members.Refuse($"is not a policy: {refused.Message}");
            }
        }

        return policies;
    }

    private static KmsException Fault(string message) => new(KmsError.MalformedRequest, message);
}
