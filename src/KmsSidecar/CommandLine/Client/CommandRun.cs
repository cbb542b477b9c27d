using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using KmsSidecar.Errors;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Runs a command's body, and says why it failed.</summary>
internal static class CommandRun
{
    public static void Set(Command command, Func<ParseResult, CancellationToken, Task<int>> body) => command.SetAction(async (result, cancellation) =>
    {
        try
        {
            return await body(result, cancellation);
        }
        catch (CommandFault fault)
        {
            return Report(result, fault);
        }
        catch (KmsException fault)
        {
            return Report(result, new CommandFault(ExitCode.Of(fault), fault.Message, inner: fault));
        }
    });

    private static int Report(ParseResult result, CommandFault fault)
    {
        if (result.GetResult(DaemonConnection.Json) is { Implicit: false })
        {
            Console.Error.WriteLine(ToJson(fault));
            return fault.ExitCode;
        }

        Failure.Write(fault.Message);
        if (fault.Next is { } next)
        {
            Console.Error.WriteLine($"next: {next}");
        }

        return fault.ExitCode;
    }

    private static string ToJson(CommandFault fault)
    {
        ArrayBufferWriter<byte> line = new();
        using (Utf8JsonWriter writer = new(line))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("success", false);
            writer.WriteString("message", fault.Message);
            writer.WriteString("code", fault.Code);
            writer.WriteString("next", fault.Next);
            writer.WriteNumber("exit_code", fault.ExitCode);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(line.WrittenSpan);
    }
}
