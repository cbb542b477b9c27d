using System.CommandLine;
using KmsSidecar.CommandLine;

namespace KmsSidecar;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        ParseResult command = SidecarCommand.Build().Parse(args);

        // Who drains says when it is done: by default the wait is cut off two seconds after SIGTERM.
        InvocationConfiguration invocation = new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
        try
        {
            int exitCode = await command.InvokeAsync(invocation);
            return command.Errors.Count > 0 ? ExitCode.Usage : exitCode;
        }
        catch (Exception unexpected)
        {
            return Failure.Report($"an error of the program itself, which its makers would like to see: {unexpected}", ExitCode.Internal);
        }
    }
}
