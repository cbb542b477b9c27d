using System.CommandLine;
using System.Globalization;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine.Bench;

/// <summary><c>bench</c>: how fast this node's service is.</summary>
internal static class BenchCommand
{
    private const int MaxConnections = 256;
    private const int MaxSeconds = 60;

    private static readonly Option<string?> Socket = new("--socket")
    {
        Description = $"The daemon's data socket [default: {DaemonOption.Socket.EnvironmentVariable}, else {DaemonOption.Socket.Default}]",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Operation = new("--operation")
    {
        Description = "generate: each request makes a data key; decrypt: each opens the same one [default: generate]",
        HelpName = "NAME",
    };

    private static readonly Option<string?> Key = new("--key") { Description = "Key that wraps the data keys [default: the default key]", HelpName = "KEY" };

    private static readonly Option<string?> Connections = new("--connections")
    {
        Description = $"Requests at a time, 1 to {MaxConnections} [default: 16]",
        HelpName = "N",
    };

    private static readonly Option<string?> Duration = new("--duration")
    {
        Description = $"Seconds, 1 to {MaxSeconds} [default: 5]",
        HelpName = "SECONDS",
    };

    public static Command Build()
    {
        CommandHelp help = new(
            "bench",
            """
            Say how fast this node's service is: ask its data socket for data keys for some seconds. Ctrl-C ends it with what it has.

            The data keys are real, and thrown away: a backend in Vault makes each of them, logs and counters have them. The asking takes from the
            same processors as the answering.
            """,
            "kms-sidecar bench --connections 16 --duration 5");
        Command command = new(help.Name, help.Text)
        {
            Socket, Operation, Key, Connections, Duration, DaemonConnection.Json,
        };
        CommandRun.Set(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        bool asJson = result.GetValue(DaemonConnection.Json);
        string socket = result.GetValue(Socket)
            ?? Environment.GetEnvironmentVariable(DaemonOption.Socket.EnvironmentVariable)
            ?? DaemonOption.Socket.Default;
        bool opens = (result.GetValue(Operation) ?? "generate") switch
        {
            "generate" => false,
            "decrypt" => true,
            string other => throw new CommandFault(ExitCode.Usage, $"--operation {other}: expected generate or decrypt"),
        };
        int connections = Number(result, Connections, MaxConnections) ?? 16;
        int seconds = Number(result, Duration, MaxSeconds) ?? 5;
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{connections} connections to {socket} for {seconds} s: the data keys are real, and thrown away"));
        BenchRun run = new(socket, connections, TimeSpan.FromSeconds(seconds));
        using EndingSignals end = new(cancellation);
        BenchReport report = await Task.Run(() => run.Execute(result.GetValue(Key), opens, end.Token), CancellationToken.None);
        Print(report, asJson);
        return report.IsClean ? ExitCode.Ok : ExitCode.Unavailable;
    }

    private static void Print(BenchReport report, bool asJson)
    {
        if (!asJson)
        {
            report.WriteTo(Console.Out);
            return;
        }

        JsonText.Write(report.WriteTo);
    }

    private static int? Number(ParseResult result, Option<string?> option, int max) => result.GetValue(option) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= max ? number
        : throw new CommandFault(ExitCode.Usage, $"{option.Name} {text}: expected a whole number from 1 to {max}");
}
