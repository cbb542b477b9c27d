using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine;

/// <summary><c>status</c>.</summary>
internal static class StatusCommand
{
    public static Command Build()
    {
        Command command = new("status", "Say what the service is, how it is set and what is wrong with it.");
        DaemonConnection.AddTo(command);
        CommandRun.Set(command, ShowAsync);
        return command;
    }

    private static async Task<int> ShowAsync(ParseResult result, CancellationToken cancellation)
    {
        using DaemonClient daemon = DaemonConnection.Open(result);
        JsonElement answer = await daemon.GetAsync("status", cancellation);
        Console.Out.WriteLine(answer.GetRawText());
        return ExitCode.Ok;
    }
}
