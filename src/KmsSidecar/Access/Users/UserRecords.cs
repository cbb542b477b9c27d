using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using KmsSidecar.Access.Policies;
using KmsSidecar.Auth;
using KmsSidecar.Json;

namespace KmsSidecar.Access.Users;

/// <summary>Users and policies as JSON, in the users file and in the sealed store.</summary>
internal static class UserRecords
{
    /// <summary>The longest text of a user: its secret with every character escaped, and all its policies' names.</summary>
    public const int MaxUserBytes = 16 * 1024;

    /// <summary>Reads <c>{"access_key","secret_key","policies":[…],"status":"enabled"}</c>; the last two may be missing.</summary>
    /// <exception cref="Errors.KmsException">MalformedRequest: which member, and why.</exception>
    public static UserAccount ReadUser(ref StrictObject members, bool isFromFile)
    {
        string? accessKey = null;
        SecretKey? secret = null;
        bool isEnabled = true;
        ImmutableArray<string> policies = [];
        try
        {
            while (members.Next())
            {
                switch (members.Name)
                {
                    case "access_key":
                        accessKey = ReadAccessKey(ref members);
                        break;
                    case "secret_key":
                        secret = ReadSecret(ref members);
                        break;
                    case "policies":
                        policies = ReadPolicyNames(ref members);
                        break;
                    case "status":
                        isEnabled = ReadStatus(ref members);
                        break;
                    default:
                        throw members.Unknown();
                }
            }

            if (accessKey is null || secret is null)
            {
                throw members.RefuseAll(accessKey is null ? "has no 'access_key'" : "has no 'secret_key'");
            }

            UserAccount user = new(accessKey, secret, isEnabled, policies, isFromFile);
            secret = null;
            return user;
        }
        finally
        {
            secret?.Dispose();
        }
    }

    public static string ReadAccessKey(ref StrictObject members)
    {
        string accessKey = members.Text(AccessKeyRules.MaxChars);
        return AccessKeyRules.FindFault(accessKey) is string fault ? throw members.Refuse($"cannot be used: {fault}") : accessKey;
    }

    /// <summary>The caller disposes it.</summary>
    public static SecretKey ReadSecret(ref StrictObject members)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        try
        {
            int length = members.TextBytes(secret);
            return SecretKey.FindFault(secret[..length]) is string fault
                ? throw members.Refuse($"cannot be used: {fault}")
                : new SecretKey(secret[..length]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    public static ImmutableArray<string> ReadPolicyNames(ref StrictObject members)
    {
        ImmutableArray<string> names = members.Items(UserAccount.MaxPolicies, static (ref StrictObject item) => item.Text(AccessKeyRules.MaxChars));
        return names.Distinct(StringComparer.Ordinal).Count() == names.Length ? names : throw members.Refuse("names a policy twice");
    }

    public static bool ReadStatus(ref StrictObject members) => members.Text(16) switch
    {
        UserAccount.Enabled => true,
        UserAccount.Disabled => false,
        _ => throw members.Refuse($"must be '{UserAccount.Enabled}' or '{UserAccount.Disabled}'"),
    };

    public static void WriteUser(Utf8JsonWriter writer, UserAccount user)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        try
        {
            int length = user.Secret.CopyTo(secret);
            writer.WriteStartObject();
            writer.WriteString("access_key", user.AccessKey);
            writer.WriteString("secret_key", secret[..length]);
            writer.WriteString("status", user.Status);
            writer.WriteStartArray("policies");
            foreach (string policy in user.Policies)
            {
                writer.WriteStringValue(policy);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Reads <c>{"name","policy":{…}}</c>.</summary>
    /// <exception cref="Errors.KmsException">MalformedRequest.</exception>
    public static StoredPolicy ReadPolicy(ReadOnlySpan<byte> json)
    {
        string? name = null;
        PolicyDocument? policy = null;
        StrictObject members = new(json);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "name":
                    name = members.Text(AccessKeyRules.MaxChars);
                    break;
                case "policy":
                    policy = PolicyDocument.Parse(members.Raw());
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return name is null || policy is null
            ? throw members.RefuseAll("has no 'name' or no 'policy'")
            : new StoredPolicy(new NamedPolicy(name, policy), IsFromFile: false);
    }

    public static void WritePolicy(Utf8JsonWriter writer, NamedPolicy policy)
    {
        writer.WriteStartObject();
        writer.WriteString("name", policy.Name);
        writer.WritePropertyName("policy");
        policy.Document.WriteTo(writer);
        writer.WriteEndObject();
    }
}
