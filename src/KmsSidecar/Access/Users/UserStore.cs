using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Sealing;

namespace KmsSidecar.Access.Users;

/// <summary>Users and policies that were made through the admin API: one sealed file for each, so that a damaged one takes only itself out.</summary>
/// <remarks>A change is one write of one file, durable when it returns. Calls that change the same name are serialised by the caller.</remarks>
internal sealed class UserStore(SealedFiles files, ILogger log)
{
    private const string UserPrefix = "user-";
    private const string PolicyPrefix = "policy-";

    /// <summary>What is stored, without what does not open, which the log names.</summary>
    public AccountSet Load()
    {
        AccountSet set = AccountSet.Empty;
        foreach (string name in files.List().Order(StringComparer.Ordinal))
        {
            bool isUser = name.StartsWith(UserPrefix, StringComparison.Ordinal);
            if (!isUser && !name.StartsWith(PolicyPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            try
            {
                using SecretBytes? content = Open(name);
                set = isUser ? WithUser(set, content!.Span, name) : WithPolicy(set, content!.Span, name);
            }
            catch (KmsException damaged)
            {
                UserLog.Damaged(log, files.PathOf(name), damaged.Message);
            }
        }

        foreach (UserAccount user in set.Users.Values)
        {
            foreach (string missing in user.Policies.Where(policy => set.FindPolicy(policy) is null))
            {
                UserLog.PolicyMissing(log, user.AccessKey, missing);
            }
        }

        return set;
    }

    public void Save(UserAccount user) => Write(UserPrefix + user.AccessKey, writer => UserRecords.WriteUser(writer, user));

    public void Save(NamedPolicy policy) => Write(PolicyPrefix + policy.Name, writer => UserRecords.WritePolicy(writer, policy));

    public void DeleteUser(string accessKey) => files.Delete(UserPrefix + accessKey);

    public void DeletePolicy(string name) => files.Delete(PolicyPrefix + name);

    private static AccountSet WithUser(AccountSet set, ReadOnlySpan<byte> json, string name)
    {
        StrictObject members = new(json);
        UserAccount user = UserRecords.ReadUser(ref members, isFromFile: false);
        return UserPrefix + user.AccessKey == name ? set with { Users = set.Users.Add(user.AccessKey, user) } : throw Misnamed();
    }

    private static AccountSet WithPolicy(AccountSet set, ReadOnlySpan<byte> json, string name)
    {
        StoredPolicy policy = UserRecords.ReadPolicy(json);
        return PolicyPrefix + policy.Policy.Name == name
            ? set with { Policies = set.Policies.Add(policy.Policy.Name, policy) }
            : throw Misnamed();
    }

    private static KmsException Misnamed() => new(KmsError.StorageFailed, "it is not about what its name says");

    private SecretBytes Open(string name) =>
        files.TryRead(name, out SecretBytes? content) is string fault ? throw new KmsException(KmsError.StorageFailed, fault) : content!;

    private void Write(string name, Action<Utf8JsonWriter> write)
    {
        using SecretBuffer text = new(UserRecords.MaxUserBytes);
        using (Utf8JsonWriter writer = JsonOutput.WriteTo(text))
        {
            write(writer);
        }

        files.Write(name, text.WrittenSpan);
    }
}
