using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Access.Users;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Api;

/// <summary>Users and named policies. For owners only: whoever manages them could give themselves every right.</summary>
/// <remarks>A secret key leaves here once, in the answer to the request that had it made.</remarks>
internal sealed class UserRoutes(UserAdministration administration, Accounts accounts)
{
    public ValueTask<KmsError> ListAsync(Call call)
    {
        ImmutableArray<UserInfo> users =
            [.. accounts.Set.Users.Values.OrderBy(static user => user.AccessKey, StringComparer.Ordinal).Select(UserInfo.From)];
        call.Write(new ListUsersAnswer(true, "users listed successfully", users), AdminJson.Default.ListUsersAnswer);
        return Done;
    }

    public ValueTask<KmsError> DescribeAsync(Call call)
    {
        UserAccount user = accounts.Set.Users.GetValueOrDefault(call.PathParameter!) ?? throw new KmsException(KmsError.UserNotFound);
        call.Write(new UserAnswer(true, "user described successfully", UserInfo.From(user)), AdminJson.Default.UserAnswer);
        return Done;
    }

    public ValueTask<KmsError> CreateAsync(Call call)
    {
        using UserRequest request = UserRequest.Read(call.Body.Span);
        call.Audit.Target = request.AccessKey;
        SecretKey secret = request.TakeSecret(generate: true)!;
        UserAccount user = administration.Create(
            request.AccessKey, secret, request.IsEnabled ?? true, request.Policies ?? [], call.Actor.Who, call.Actor.From);
        WriteUser(call, "user created successfully", user, request.Generates);
        return Done;
    }

    public ValueTask<KmsError> UpdateAsync(Call call)
    {
        using UserRequest request = UserRequest.Read(call.Body.Span);
        call.Audit.Target = request.AccessKey;
        UserAccount user = administration.Update(
            request.AccessKey, request.TakeSecret(generate: false), request.IsEnabled, request.Policies, call.Actor.Who, call.Actor.From);
        WriteUser(call, "user changed successfully", user, request.Generates);
        return Done;
    }

    public ValueTask<KmsError> DeleteAsync(Call call)
    {
        administration.DeleteUser(call.PathParameter!, call.Actor.Who, call.Actor.From);
        return Succeed(call, "user deleted successfully");
    }

    public ValueTask<KmsError> ListPoliciesAsync(Call call)
    {
        ImmutableArray<PolicyInfo> policies =
        [
            .. CannedPolicies.All.Select(static policy => new PolicyInfo(policy.Name, "built-in"))
                .Concat(accounts.Set.Policies.Values.Select(static policy => new PolicyInfo(policy.Policy.Name, policy.IsFromFile ? "file" : "api")))
                .OrderBy(static policy => policy.Name, StringComparer.Ordinal),
        ];
        call.Write(new ListPoliciesAnswer(true, "policies listed successfully", policies), AdminJson.Default.ListPoliciesAnswer);
        return Done;
    }

    public ValueTask<KmsError> DescribePolicyAsync(Call call)
    {
        NamedPolicy policy = accounts.Set.FindPolicy(call.PathParameter!) ?? throw new KmsException(KmsError.PolicyNotFound);
        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteBoolean("success", true);
        writer.WriteString("message", "policy described successfully");
        writer.WriteString("name", policy.Name);
        writer.WritePropertyName("policy");
        policy.Document.WriteTo(writer);
        writer.WriteEndObject();
        return Done;
    }

    public ValueTask<KmsError> PutPolicyAsync(Call call)
    {
        PolicyDocument document = PolicyDocument.Parse(call.Body.Span);
        administration.PutPolicy(new NamedPolicy(call.PathParameter!, document), call.Actor.Who, call.Actor.From);
        return Succeed(call, "policy stored successfully");
    }

    public ValueTask<KmsError> DeletePolicyAsync(Call call)
    {
        administration.DeletePolicy(call.PathParameter!, call.Actor.Who, call.Actor.From);
        return Succeed(call, "policy deleted successfully");
    }

    private static ValueTask<KmsError> Done => new(KmsError.None);

    private static ValueTask<KmsError> Succeed(Call call, string message)
    {
        call.Write(new AccessAnswer(true, message), AdminJson.Default.AccessAnswer);
        return Done;
    }

    private static void WriteUser(Call call, string message, UserAccount user, bool withSecret)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        try
        {
            using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
            writer.WriteStartObject();
            writer.WriteBoolean("success", true);
            writer.WriteString("message", message);
            if (withSecret)
            {
                writer.WriteString("secret_key", secret[..user.Secret.CopyTo(secret)]);
            }

            writer.WritePropertyName("user");
            JsonSerializer.Serialize(writer, UserInfo.From(user), AdminJson.Default.UserInfo);
            writer.WriteEndObject();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
