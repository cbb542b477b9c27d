using System.CommandLine;
using KmsSidecar.CommandLine;

namespace KmsSidecar;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        ParseResult command = SidecarCommand.Build().Parse(args);

        // Who drains says when it is done: by default the wait is cut off two seconds after SIGTERM.
        int exitCode = await command.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
        return command.Errors.Count > 0 ? ExitCode.Usage : exitCode;
    }
}
