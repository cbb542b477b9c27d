using System.CommandLine;
using KmsSidecar.CommandLine;

namespace KmsSidecar;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        ParseResult command = SidecarCommand.Build().Parse(args);
        int exitCode = await command.InvokeAsync();
        return command.Errors.Count > 0 ? ExitCode.Usage : exitCode;
    }
}
