using System.CommandLine;
using BenchmarkDotNet.Running;
using KmsSidecar.Bench.Load;
using KmsSidecar.Bench.Pace;
using KmsSidecar.Bench.Swaps;
using KmsSidecar.Bench.Timing;

namespace KmsSidecar.Bench;

internal static class Program
{
    private static int Main(string[] args)
    {
        RootCommand root = new("Measures kms-sidecar.")
        {
            LoadCommand.Create(), SwapCommand.Create(), PaceCommand.Create(), TimingCommand.Create(), CreateMicroCommand(),
        };
        return root.Parse(args).Invoke();
    }

    private static Command CreateMicroCommand()
    {
        Argument<string[]> forward = new("options") { Description = "Given to BenchmarkDotNet, after a --." };
        Command micro = new("micro", "Runs microbenchmarks, for example: micro -- --filter '*Aead*'.") { forward };
        micro.SetAction(parsed =>
        {
            BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(parsed.GetRequiredValue(forward));
        });
        return micro;
    }
}
