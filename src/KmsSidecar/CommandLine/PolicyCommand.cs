using System.Buffers;
using System.CommandLine;
using System.Text.Json;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine;

/// <summary><c>policy check</c>: asks the running daemon which statement decides.</summary>
internal static class PolicyCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

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

    private static readonly Option<string?> AdminSocket = new("--admin-socket")
    {
        Description =
            $"The daemon's admin socket [default: {DaemonOption.AdminSocket.EnvironmentVariable}, else {DaemonOption.AdminSocket.Default}]",
        HelpName = "PATH",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print the daemon's answer as JSON" };

    public static Command Build()
    {
        Command check = new("check", "Say whether a user may do something, and which statement of which policy decides. Ends with 0 if so, with 1 if not.")
        {
            User, Action, Resource, SourceAddress, Time, AdminSocket, Json,
        };
        check.SetAction(CheckAsync);
        return new Command("policy", "Ask about policies.") { check };
    }

    private static async Task<int> CheckAsync(ParseResult result, CancellationToken cancellation)
    {
        string socket = result.GetValue(AdminSocket)
            ?? Environment.GetEnvironmentVariable(DaemonOption.AdminSocket.EnvironmentVariable)
            ?? DaemonOption.AdminSocket.Default;
        try
        {
            using AdminSocketClient daemon = new(socket, Patience);
            JsonElement answer = await daemon.PostAsync("policies/check", Question(result), cancellation);
            Console.Out.WriteLine(result.GetValue(Json) ? answer.GetRawText() : answer.GetProperty("message").GetString());
            return answer.GetProperty("allowed").GetBoolean() ? ExitCode.Ok : ExitCode.Denied;
        }
        catch (AdminSocketException failure)
        {
            Console.Error.WriteLine($"kms-sidecar: {failure.Message}");
            return failure.ExitCode;
        }
    }

    private static ReadOnlyMemory<byte> Question(ParseResult result)
    {
        ArrayBufferWriter<byte> body = new();
        using (Utf8JsonWriter writer = new(body))
        {
            writer.WriteStartObject();
            writer.WriteString("user", result.GetRequiredValue(User));
            writer.WriteString("action", result.GetRequiredValue(Action));
            foreach ((string member, Option<string?> option) in ((string, Option<string?>)[])[("resource", Resource), ("source_ip", SourceAddress), ("time", Time)])
            {
                if (result.GetValue(option) is { } value)
                {
                    writer.WriteString(member, value);
                }
            }

            writer.WriteEndObject();
        }

        return body.WrittenMemory;
    }
}
