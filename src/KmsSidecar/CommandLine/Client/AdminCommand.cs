using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Makes commands that talk to a daemon.</summary>
internal static class AdminCommand
{
    /// <summary>A command that is one request.</summary>
    /// <param name="request">Made from what was typed; disposed here.</param>
    /// <param name="print">Shows the answer to a person.</param>
    /// <param name="symbols">The command's own arguments and options.</param>
    public static Command Build(
        CommandHelp help, Func<ParseResult, AdminRequest> request, Action<JsonElement, TextWriter> print, params Symbol[] symbols) =>
        Build(
            help,
            async (result, daemon, cancellation) =>
            {
                using AdminRequest asked = request(result);
                JsonElement answer = await daemon.SendAsync(asked.Method, asked.Route, asked.Body, cancellation);
                Print(result, answer, print);
                return ExitCode.Ok;
            },
            symbols);

    /// <summary>A command that is more than one request, or ends in more than one way.</summary>
    /// <param name="body">Returns the exit code.</param>
    public static Command Build(
        CommandHelp help, Func<ParseResult, DaemonClient, CancellationToken, Task<int>> body, params Symbol[] symbols)
    {
        Command command = new(help.Name, help.Text);
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        DaemonConnection.AddTo(command);
        CommandRun.Set(command, async (result, cancellation) =>
        {
            using DaemonClient daemon = DaemonConnection.Open(result);
            return await body(result, daemon, cancellation);
        });
        return command;
    }

    /// <summary>The daemon's own answer with <c>--json</c>, or what <paramref name="print"/> makes of it.</summary>
    public static void Print(ParseResult result, JsonElement answer, Action<JsonElement, TextWriter> print)
    {
        if (result.GetValue(DaemonConnection.Json))
        {
            JsonText.Write(answer);
            return;
        }

        print(answer, Console.Out);
    }

    /// <summary>The daemon's sentence.</summary>
    public static void PrintMessage(JsonElement answer, TextWriter output) => output.WriteLine(answer.Shown("message"));
}
