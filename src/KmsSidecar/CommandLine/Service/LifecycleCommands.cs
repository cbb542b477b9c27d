using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Service;

/// <summary><c>start</c>, <c>stop</c> and <c>clear-cache</c>.</summary>
internal static class LifecycleCommands
{
    private static readonly Option<bool> Force = new("--force") { Description = "Rebuild a service that is running: open its backend anew" };

    public static IEnumerable<Command> Build() =>
    [
        AdminCommand.Build(
            new CommandHelp("start", "Start the service with the configuration that it has.", "kms-sidecar start"),
            static result => result.GetValue(Force)
                ? AdminRequest.Post("start", static body => body.WriteBoolean("force", true))
                : AdminRequest.Post("start"),
            AdminCommand.PrintMessage,
            Force),
        AdminCommand.Build(
            new CommandHelp(
                "stop",
                "Stop the service. New requests for keys are refused at once, those in flight finish, and the configuration stays.",
                "kms-sidecar stop"),
            static _ => AdminRequest.Post("stop"),
            PrintStopped),
        AdminCommand.Build(
            new CommandHelp("clear-cache", "Empty the caches of every backend, as after a change behind the daemon's back.", "kms-sidecar clear-cache"),
            static _ => AdminRequest.Post("clear-cache"),
            AdminCommand.PrintMessage),
    ];

    private static void PrintStopped(JsonElement answer, TextWriter output)
    {
        AdminCommand.PrintMessage(answer, output);
        output.WriteLine("next: kms-sidecar start");
    }
}
