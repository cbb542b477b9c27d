using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Service;

/// <summary><c>status</c>.</summary>
internal static class StatusCommand
{
    public static Command Build() => AdminCommand.Build(
        new CommandHelp(
            "status",
            "Say how the service is, and what is wrong with it first. Ends with 0 if it runs and its backend is healthy, with 1 if not.",
            "kms-sidecar status\nkms-sidecar status --endpoint https://node7:9020 --ca-file ca.pem --profile kms"),
        ShowAsync);

    private static async Task<int> ShowAsync(ParseResult result, DaemonClient daemon, CancellationToken cancellation)
    {
        JsonElement status = await daemon.GetAsync("status", cancellation);
        JsonElement? history = result.GetValue(DaemonConnection.Json) ? null : await FindHistoryAsync(daemon, cancellation);
        AdminCommand.Print(result, status, (answer, output) => new StatusPage(answer, history).WriteTo(output));
        return status.Text("status") == "Running" && status.Flag("healthy") == true ? ExitCode.Ok : ExitCode.Denied;
    }

    /// <summary>Null for those who may see the status alone.</summary>
    private static async Task<JsonElement?> FindHistoryAsync(DaemonClient daemon, CancellationToken cancellation)
    {
        try
        {
            return await daemon.GetAsync("config/history", cancellation);
        }
        catch (CommandFault)
        {
            return null;
        }
    }
}
