using System.Collections.Immutable;
using KmsSidecar.Access.Policies;
using KmsSidecar.Auth;
using KmsSidecar.Errors;

namespace KmsSidecar.Access.Users;

/// <summary>Changes users and policies: one at a time, durable before it is in effect.</summary>
/// <remarks>Safe for concurrent use. What comes from the users file is only read here. Every refusal is a <see cref="KmsException"/>.</remarks>
/// <param name="accounts">In which a change takes effect; nothing else publishes there.</param>
internal sealed class UserAdministration(Accounts accounts, UserStore store, ILogger log)
{
    public const int MaxUsers = 4096;

    public const int MaxPolicies = 1024;

    private readonly Lock _changes = new();

    /// <summary>Those of the file and those of the store together.</summary>
    /// <exception cref="KmsException">InvalidConfiguration: two of them have the same name, or a user has that of the root credentials.</exception>
    public static AccountSet Combine(ICredentialSource root, AccountSet file, AccountSet stored)
    {
        foreach (UserAccount user in file.Users.Values.Concat(stored.Users.Values))
        {
            if (Accounts.IsRoot(root, user.AccessKey))
            {
                throw new KmsException(
                    KmsError.InvalidConfiguration, $"the access key '{user.AccessKey}' is both a user's and that of the root credentials; rename one");
            }
        }

        string? twice = file.Users.Keys.FirstOrDefault(stored.Users.ContainsKey) is string name ? $"the user '{name}'"
            : file.Policies.Keys.FirstOrDefault(stored.Policies.ContainsKey) is string policy ? $"the policy '{policy}'"
            : null;
        return twice is null
            ? new AccountSet(stored.Users.AddRange(file.Users), stored.Policies.AddRange(file.Policies))
            : throw new KmsException(
                KmsError.InvalidConfiguration, $"{twice} is in the users file and was also made through the API; delete one of them");
    }

    /// <summary>Puts other root credentials and another content of the users file into effect. Takes them over also when it throws.</summary>
    /// <exception cref="KmsException">InvalidConfiguration; the former stay.</exception>
    public void Replace(ICredentialSource root, AccountSet file)
    {
        lock (_changes)
        {
            AccountSet set = accounts.Set;
            AccountSet stored = new(
                set.Users.RemoveRange(set.Users.Values.Where(static user => user.IsFromFile).Select(static user => user.AccessKey)),
                set.Policies.RemoveRange(set.Policies.Values.Where(static policy => policy.IsFromFile).Select(static policy => policy.Policy.Name)));
            try
            {
                AccountSet next = Combine(root, file, stored);
                accounts.Publish(root, next);
            }
            catch
            {
                (root as IDisposable)?.Dispose();
                foreach (UserAccount user in file.Users.Values)
                {
                    user.Secret.Dispose();
                }

                throw;
            }
        }
    }

    /// <param name="secret">Taken over, also when it throws.</param>
    public UserAccount Create(string accessKey, SecretKey secret, bool isEnabled, ImmutableArray<string> policies, string who, string from)
    {
        UserAccount user = new(accessKey, secret, isEnabled, policies, isFromFile: false);
        lock (_changes)
        {
            try
            {
                if (accounts.Set.Users.ContainsKey(accessKey) || Accounts.IsRoot(accounts.Root, accessKey) || Sessions.SessionKeys.IsTemporary(accessKey))
                {
                    throw new KmsException(KmsError.UserExists);
                }

                if (accounts.Set.Users.Count >= MaxUsers)
                {
                    throw new KmsException(KmsError.WrongState, $"there are {MaxUsers} users already; no more are taken");
                }

                RequirePolicies(policies);
                store.Save(user);
            }
            catch
            {
                secret.Dispose();
                throw;
            }

            Publish(accounts.Set.Users.Add(accessKey, user));
        }

        UserLog.UserChanged(log, accessKey, "created", who, from);
        return user;
    }

    /// <summary>Changes what is given; null leaves a thing as it is. Another secret, or no right to come in, ends the user's sessions.</summary>
    /// <param name="secret">Taken over, also when it throws.</param>
    public UserAccount Update(string accessKey, SecretKey? secret, bool? isEnabled, ImmutableArray<string>? policies, string who, string from)
    {
        UserAccount changed;
        lock (_changes)
        {
            try
            {
                changed = FindChangeable(accessKey).With(secret, isEnabled, policies);
                RequirePolicies(policies ?? []);
                store.Save(changed);
            }
            catch
            {
                secret?.Dispose();
                throw;
            }

            Publish(accounts.Set.Users.SetItem(accessKey, changed));
        }

        string what = string.Join(", ", ((string?[])[
            secret is null ? null : "secret",
            isEnabled is null ? null : changed.Status,
            policies is null ? null : "policies",
        ]).OfType<string>());
        UserLog.UserChanged(log, accessKey, $"changed ({what})", who, from);
        return changed;
    }

    public void DeleteUser(string accessKey, string who, string from)
    {
        lock (_changes)
        {
            _ = FindChangeable(accessKey);
            store.DeleteUser(accessKey);
            Publish(accounts.Set.Users.Remove(accessKey));
        }

        UserLog.UserChanged(log, accessKey, "deleted", who, from);
    }

    /// <summary>Makes a policy, or puts another in its place.</summary>
    public void PutPolicy(NamedPolicy policy, string who, string from)
    {
        if (UserAccount.FindPolicyNameFault(policy.Name) is string fault)
        {
            throw new KmsException(KmsError.MalformedRequest, fault);
        }

        lock (_changes)
        {
            AccountSet set = accounts.Set;
            RequireChangeable(set, policy.Name);
            if (!set.Policies.ContainsKey(policy.Name) && set.Policies.Count >= MaxPolicies)
            {
                throw new KmsException(KmsError.WrongState, $"there are {MaxPolicies} policies already; no more are taken");
            }

            store.Save(policy);
            accounts.Publish(accounts.Root, set with { Policies = set.Policies.SetItem(policy.Name, new StoredPolicy(policy, IsFromFile: false)) });
        }

        UserLog.PolicyChanged(log, policy.Name, "stored", who, from);
    }

    public void DeletePolicy(string name, string who, string from)
    {
        lock (_changes)
        {
            AccountSet set = accounts.Set;
            RequireChangeable(set, name);
            if (!set.Policies.ContainsKey(name))
            {
                throw new KmsException(KmsError.PolicyNotFound);
            }

            if (set.Users.Values.FirstOrDefault(user => user.Policies.Contains(name)) is { } holder)
            {
                throw new KmsException(KmsError.PolicyInUse, $"the policy is attached to the user '{holder.AccessKey}'; detach it first");
            }

            store.DeletePolicy(name);
            accounts.Publish(accounts.Root, set with { Policies = set.Policies.Remove(name) });
        }

        UserLog.PolicyChanged(log, name, "deleted", who, from);
    }

    private static void RequireChangeable(AccountSet set, string policy)
    {
        if (CannedPolicies.Find(policy) is not null)
        {
            throw new KmsException(KmsError.NotChangeableHere, "this policy is built in and cannot be changed");
        }

        if (set.Policies.GetValueOrDefault(policy)?.IsFromFile == true)
        {
            throw new KmsException(KmsError.NotChangeableHere, "this policy is in the users file; change it there and send SIGHUP");
        }
    }

    private UserAccount FindChangeable(string accessKey) => accounts.Set.Users.GetValueOrDefault(accessKey) switch
    {
        null => throw new KmsException(KmsError.UserNotFound),
        { IsFromFile: true } => throw new KmsException(
            KmsError.NotChangeableHere, "this user is in the users file; change it there and send SIGHUP"),
        { } user => user,
    };

    private void RequirePolicies(ImmutableArray<string> policies)
    {
        if (policies.FirstOrDefault(policy => accounts.Set.FindPolicy(policy) is null) is string unknown)
        {
            throw new KmsException(KmsError.PolicyNotFound, $"there is no policy '{unknown}'");
        }
    }

    private void Publish(ImmutableDictionary<string, UserAccount> users) => accounts.Publish(accounts.Root, accounts.Set with { Users = users });
}
