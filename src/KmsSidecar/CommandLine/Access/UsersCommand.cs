using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Crypto;

namespace KmsSidecar.CommandLine.Access;

/// <summary><c>users</c>: who may come in over TCP, and with which policies.</summary>
internal static class UsersCommand
{
    private static readonly Argument<string> AccessKey = new("ACCESS-KEY") { Description = "Of the user" };

    private static readonly Option<string[]> Policies = new("--policy")
    {
        Description = "Policy that the user has, in the place of those it had; repeatable",
        HelpName = "NAME",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private static readonly Option<string?> SecretFile = new("--secret-file")
    {
        Description = "File with the secret key, one line, its owner's alone; - for standard input. Secrets are never given as options",
        HelpName = "FILE",
    };

    private static readonly Option<bool> NewSecret = new("--new-secret") { Description = "Have the daemon make another secret key, and print it this once" };

    private static readonly Option<bool> Enable = new("--enable") { Description = "Let the user in" };

    private static readonly Option<bool> Disable = new("--disable") { Description = "Keep the user out, and all that the user is" };

    public static Command Build() => new("users", "See and change who may come in over TCP.")
    {
        AdminCommand.Build(
            new CommandHelp("list", "List the users, without their secrets.", "kms-sidecar users list"),
            static _ => AdminRequest.Get("users"),
            static (answer, output) => PrintTable(answer.Items("users"), output)),
        AdminCommand.Build(
            new CommandHelp("show", "Show a user, without the secret.", "kms-sidecar users show rustfs-node"),
            static result => AdminRequest.Get(Route(result)),
            static (answer, output) => PrintTable([answer.Member("user") ?? answer], output),
            AccessKey),
        AdminCommand.Build(
            new CommandHelp(
                "create",
                "Make a user. Unless a file has it, the daemon makes the secret key, which is printed this once.",
                "kms-sidecar users create rustfs-node --policy KMSKeyUser"),
            static result => AdminRequest.Post("users", body => WriteUser(body, result)),
            PrintUser,
            AccessKey,
            Policies,
            SecretFile,
            Disable),
        AdminCommand.Build(
            new CommandHelp("update", "Change a user. What is not given stays as it is.", "kms-sidecar users update rustfs-node --new-secret"),
            static result => AdminRequest.Post("users/update", body => WriteUser(body, result)),
            PrintUser,
            AccessKey,
            Policies,
            SecretFile,
            NewSecret,
            Enable,
            Disable),
        AdminCommand.Build(
            new CommandHelp("delete", "Delete a user. Its session tokens end with it.", "kms-sidecar users delete rustfs-node"),
            static result => new AdminRequest(HttpMethod.Delete, Route(result)),
            AdminCommand.PrintMessage,
            AccessKey),
    };

    private static string Route(ParseResult result) => $"users/{Uri.EscapeDataString(result.GetRequiredValue(AccessKey))}";

    private static void WriteUser(Utf8JsonWriter body, ParseResult result)
    {
        (bool enable, bool disable) = (result.GetValue(Enable), result.GetValue(Disable));
        if (enable && disable)
        {
            throw new CommandFault(ExitCode.Usage, "--enable and --disable exclude each other");
        }

        body.WriteString("access_key", result.GetRequiredValue(AccessKey));
        if (enable || disable)
        {
            body.WriteString("status", enable ? "enabled" : "disabled");
        }

        if (result.GetValue(Policies) is { Length: > 0 } policies)
        {
            body.WriteStartArray("policies");
            Array.ForEach(policies, body.WriteStringValue);
            body.WriteEndArray();
        }

        if (result.GetValue(NewSecret))
        {
            body.WriteBoolean("generate_secret_key", true);
        }

        if (result.GetValue(SecretFile) is { } file)
        {
            using SecretBuffer secret = InputFile.ReadSecret(file);
            body.WriteString("secret_key", secret.WrittenSpan);
        }
    }

    private static void PrintUser(JsonElement answer, TextWriter output)
    {
        AdminCommand.PrintMessage(answer, output);
        if (answer.Text("secret_key") is { } secret)
        {
            output.WriteLine($"secret key, which is not told again: {secret}");
        }

        PrintTable([answer.Member("user") ?? answer], output);
    }

    private static void PrintTable(JsonElement[] users, TextWriter output)
    {
        Table table = new("ACCESS KEY", "STATUS", "SOURCE", "POLICIES");
        foreach (JsonElement user in users)
        {
            table.Add(
                user.Shown("access_key") ?? "",
                user.Shown("status") ?? "",
                user.Shown("source") ?? "",
                user.Listed("policies"));
        }

        table.WriteTo(output);
    }
}
