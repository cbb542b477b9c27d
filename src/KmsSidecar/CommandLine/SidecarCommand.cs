using System.CommandLine;
using System.Globalization;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine;

/// <summary>The command line: <c>serve</c> runs the daemon, <c>check</c> says whether it would start, <c>keys</c> moves keys between
/// directories, <c>policy</c> asks a running daemon, <c>tls</c> makes certificates.</summary>
internal static class SidecarCommand
{
    private const string DefaultConfigFile = "/etc/kms-sidecar/kms-sidecar.conf";

    private static readonly Option<string?> ConfigFile = new("--config")
    {
        Description = $"Configuration file of `name = value` lines [default: {DefaultConfigFile}, if it is there]",
        HelpName = "FILE",
    };

    private static readonly Dictionary<DaemonOption, Option> Flags = DaemonOption.All.ToDictionary(static option => option, ToFlag);

    public static RootCommand Build()
    {
        RootCommand root = new("""
            The key service beside RustFS: data keys over a Unix socket, configured over a SigV4-signed admin API without a restart.

            Try it: kms-sidecar serve --dev

            Exit codes:

            """ + string.Concat(ExitCode.All.Select(static row => $"  {row.Code,2}  {row.Meaning}{(row.MayPass ? "; may pass by itself" : "")}\n")));
        root.Subcommands.Add(Daemon(
            "serve",
            "Run the daemon. Every flag is also KMS_SIDECAR_NAME in the environment and `name = value` in the configuration file; flags win.",
            static options => SidecarHost.RunAsync(options)));
        root.Subcommands.Add(Daemon(
            "check",
            "Look for whatever would keep serve from starting, name every fault, and start and change nothing. Run it as the daemon's user.",
            static options => Task.FromResult(new StartCheck(options).Run())));
        root.Subcommands.Add(KeysCommand.Build());
        root.Subcommands.Add(PolicyCommand.Build());
        root.Subcommands.Add(TlsCommand.Build());
        root.SetAction(result =>
        {
            root.Parse(["--help"]).Invoke(result.InvocationConfiguration);
            return ExitCode.Usage;
        });
        return root;
    }

    private static Command Daemon(string name, string description, Func<DaemonOptions, Task<int>> run)
    {
        Command command = new(name, description);
        command.Options.Add(ConfigFile);
        foreach (Option flag in Flags.Values)
        {
            command.Options.Add(flag);
        }

        command.SetAction(async (result, _) =>
        {
            DaemonOptions? options = Load(result, out int exitCode);
            return options is null ? exitCode : await run(options);
        });
        return command;
    }

    private static Option ToFlag(DaemonOption option) => option.ValueName is null
        ? new Option<bool>(option.Flag) { Description = option.Help }
        : new Option<string[]>(option.Flag)
        {
            Description = string.Create(
                CultureInfo.InvariantCulture, $"{option.Help}{(option.IsRepeatable ? "; repeatable" : "")} [default: {option.Default}]"),
            HelpName = option.ValueName,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };

    /// <param name="exitCode">When the result is null.</param>
    private static DaemonOptions? Load(ParseResult result, out int exitCode)
    {
        string path = result.GetValue(ConfigFile) ?? DefaultConfigFile;
        string[] lines = [];
        exitCode = ExitCode.Ok;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            // The default file need not be there.
            if (result.GetValue(ConfigFile) is not null)
            {
                exitCode = Failure.Report($"cannot read {path}: it does not exist; write it, or name another with --config", ExitCode.Missing);
                return null;
            }
        }
        catch (UnauthorizedAccessException)
        {
            exitCode = Failure.Report($"cannot read {path}: permission denied; run: chmod 644 {path}", ExitCode.NoPermission);
            return null;
        }
        catch (IOException unreadable)
        {
            exitCode = Failure.Report($"cannot read {path}: {unreadable.Message}", ExitCode.Configuration);
            return null;
        }

        OptionValues values = OptionValues.Collect(
            option => Given(result, option), Environment.GetEnvironmentVariable, path, lines, SystemCredential.Find);
        DaemonOptions options = DaemonOptions.From(values);
        exitCode = Report(values.Faults);
        return values.Faults.Count == 0 ? options : null;
    }

    /// <summary>All of them; the first one in <c>systemctl status</c>.</summary>
    private static int Report(IReadOnlyList<string> faults)
    {
        if (faults.Count == 0)
        {
            return ExitCode.Ok;
        }

        int exitCode = Failure.Report(faults[0], ExitCode.Configuration);
        foreach (string fault in faults.Skip(1))
        {
            Failure.Write(fault);
        }

        return exitCode;
    }

    /// <summary>A switch that the command line does not name is left to the environment and the file.</summary>
    private static string[] Given(ParseResult result, DaemonOption option) => Flags[option] switch
    {
        Option<bool> flag => result.GetResult(flag) is { Implicit: false } ? [result.GetValue(flag) ? "true" : "false"] : [],
        Option<string[]> flag => result.GetValue(flag) ?? [],
        _ => [],
    };
}
