using System.Buffers;
using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine;

/// <summary><c>policy check</c>: asks the running daemon which statement decides.</summary>
internal static class PolicyCommand
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

    public static Command Build()
    {
        Command check = new("check", "Say whether a user may do something, and which statement of which policy decides. Ends with 0 if so, with 1 if not.")
        {
            User, Action, Resource, SourceAddress, Time,
        };
        DaemonConnection.AddTo(check);
        CommandRun.Set(check, CheckAsync);
        return new Command("policy", "Ask about policies.") { check };
    }

    private static async Task<int> CheckAsync(ParseResult result, CancellationToken cancellation)
    {
        using DaemonClient daemon = DaemonConnection.Open(result);
        JsonElement answer = await daemon.SendAsync(HttpMethod.Post, "policies/check", Question(result), cancellation);
        Console.Out.WriteLine(result.GetValue(DaemonConnection.Json) ? answer.GetRawText() : answer.Text("message"));
        return answer.Flag("allowed") == true ? ExitCode.Ok : ExitCode.Denied;
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
