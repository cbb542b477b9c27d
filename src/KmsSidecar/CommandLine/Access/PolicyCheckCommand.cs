using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Access;

/// <summary><c>policy check</c>: asks the running daemon which statement decides.</summary>
internal static class PolicyCheckCommand
{
    private static readonly Option<string> User = new("--user")
    {
        Description = "Who would ask: the access key",
        HelpName = "NAME",
        Required = true,
    };

    private static readonly Option<string> Action = new("--action")
    {
        Description = "What would be done, such as kms:DescribeKey",
        HelpName = "ACTION",
        Required = true,
    };

    private static readonly Option<string?> Resource = new("--resource")
    {
        Description = "To which key: its id, or arn:aws:kms:::key/ID [default: to none]",
        HelpName = "KEY",
    };

    private static readonly Option<string?> SourceAddress = new("--source-ip")
    {
        Description = "From which address [default: from none]",
        HelpName = "ADDR",
    };

    private static readonly Option<string?> Time = new("--time")
    {
        Description = "When, such as 2026-01-31T12:00:00Z [default: now]",
        HelpName = "TIME",
    };

    public static Command Build() => AdminCommand.Build(
        new CommandHelp(
            "check",
            "Say whether a user may do something, and which statement of which policy decides. Ends with 0 if so, with 1 if not.",
            "kms-sidecar policy check --user rustfs-node --action kms:Decrypt --resource objects-1"),
        CheckAsync,
        User,
        Action,
        Resource,
        SourceAddress,
        Time);

    private static async Task<int> CheckAsync(ParseResult result, DaemonClient daemon, CancellationToken cancellation)
    {
        using AdminRequest question = AdminRequest.Post("policies/check", body => WriteQuestion(body, result));
        JsonElement answer = await daemon.SendAsync(question.Method, question.Route, question.Body, cancellation);
        AdminCommand.Print(result, answer, AdminCommand.PrintMessage);
        return answer.Flag("allowed") == true ? ExitCode.Ok : ExitCode.Denied;
    }

    private static void WriteQuestion(Utf8JsonWriter body, ParseResult result)
    {
        body.WriteString("user", result.GetRequiredValue(User));
        body.WriteString("action", result.GetRequiredValue(Action));
        foreach ((string member, Option<string?> option) in ((string, Option<string?>)[])[("resource", Resource), ("source_ip", SourceAddress), ("time", Time)])
        {
            if (result.GetValue(option) is { } value)
            {
                body.WriteString(member, value);
            }
        }
    }
}
