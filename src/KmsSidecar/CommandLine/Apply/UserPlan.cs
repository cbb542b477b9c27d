using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What makes a user as the file has it. The secret key is the file's when the user is created; later the daemon alone knows it.</summary>
internal static class UserPlan
{
    /// <param name="actual">The daemon's <c>user</c>; undefined where there is no such user.</param>
    /// <exception cref="CommandFault">The user would be created, and the file names no secret key.</exception>
    public static IReadOnlyList<Step> Of(DesiredUser desired, JsonElement actual)
    {
        if (actual.ValueKind == JsonValueKind.Undefined)
        {
            return [Create(desired)];
        }

        string? status = desired.Status == actual.Text("status") ? null : desired.Status;
        ImmutableArray<string>? policies = desired.Policies is { } wanted && !wanted.ToHashSet().SetEquals(
            actual.Items("policies").Select(static policy => policy.GetString()!))
                ? wanted
                : null;
        string changes = string.Join(", ", ((string?[])[status, policies is null ? null : "policies"]).OfType<string>());
        return changes.Length == 0
            ? []
            : [new Step($"changed ({changes})", HttpMethod.Post, "users/update", writer => Write(writer, desired.AccessKey, status, policies))];
    }

    private static Step Create(DesiredUser desired) => desired.Secret is not { } secret
        ? throw new CommandFault(
            ExitCode.Refused, "this user does not exist yet, and the file names no 'secret_file' with the secret key to create it with")
        : new Step("created", HttpMethod.Post, "users", writer =>
        {
            Write(writer, desired.AccessKey, desired.Status, desired.Policies);
            writer.WriteString("secret_key", secret.WrittenSpan);
        });

    private static void Write(Utf8JsonWriter writer, string accessKey, string? status, ImmutableArray<string>? policies)
    {
        writer.WriteString("access_key", accessKey);
        if (status is not null)
        {
            writer.WriteString("status", status);
        }

        if (policies is not { } names)
        {
            return;
        }

        writer.WriteStartArray("policies");
        foreach (string name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }
}
