using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Terminal;
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
        catch (IOException unusable)
        {
            // What is printed may go to a full disk.
            return Report(result, new CommandFault(ExitCode.Disk, unusable.Message, inner: unusable));
        }
    });

    private static int Report(ParseResult result, CommandFault fault)
    {
        if (result.GetResult(DaemonConnection.Json) is { Implicit: false })
        {
            Console.Error.WriteLine(JsonText.Of(writer => Write(writer, fault)));
            return fault.ExitCode;
        }

        Failure.Write(fault.Message);
        if (fault.Next is { } next)
        {
            Console.Error.WriteLine($"next: {next}");
        }

        return fault.ExitCode;
    }

    private static void Write(Utf8JsonWriter writer, CommandFault fault)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("success", false);
        writer.WriteString("message", fault.Message);
        writer.WriteString("code", fault.Code);
        writer.WriteString("next", fault.Next);
        writer.WriteNumber("exit_code", fault.ExitCode);
        writer.WriteEndObject();
    }
}
