using System.CommandLine;
using System.Globalization;
using KmsSidecar.CommandLine.Access;
using KmsSidecar.CommandLine.Keys;
using KmsSidecar.CommandLine.Service;
using KmsSidecar.CommandLine.Top;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine;

/// <summary>The command line: <c>serve</c> runs the daemon, <c>check</c> says whether it would start, <c>tls</c> makes certificates; the others
/// ask a running daemon, over its admin socket or over TCP.</summary>
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
            SidecarProcess.RunAsync));
        root.Subcommands.Add(Daemon(
            "check",
            "Look for whatever would keep serve from starting, name every fault, and start and change nothing. Run it as the daemon's user.",
            static (options, _) => Task.FromResult(StartCheck.Run(options))));
        root.Subcommands.Add(TopCommand.Build());
        root.Subcommands.Add(StatusCommand.Build());
        foreach (Command command in (Command[])[.. ConfigurationCommands.Build(), .. LifecycleCommands.Build(), .. HistoryCommands.Build()])
        {
            root.Subcommands.Add(command);
        }

        root.Subcommands.Add(DecryptOnlyCommand.Build());
        root.Subcommands.Add(KeysCommand.Build());
        root.Subcommands.Add(UsersCommand.Build());
        root.Subcommands.Add(PolicyCommand.Build());
        root.Subcommands.Add(TlsCommand.Build());
        root.SetAction(result =>
        {
            root.Parse(["--help"]).Invoke(result.InvocationConfiguration);
            return ExitCode.Usage;
        });
        return root;
    }

    private static Command Daemon(string name, string description, Func<DaemonOptions, SettingsSource, Task<int>> run)
    {
        Command command = new(name, description);
        command.Options.Add(ConfigFile);
        foreach (Option flag in Flags.Values)
        {
            command.Options.Add(flag);
        }

        command.SetAction(async (result, _) =>
        {
            OptionValues values = Read(result, out int exitCode);
            DaemonOptions options = DaemonOptions.From(values);
            return values.Faults.Count > 0 ? Report(values.Faults, exitCode) : await run(options, new SettingsSource(values, () => Read(result, out int _)));
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

    /// <param name="exitCode">What the first fault is worth.</param>
    private static OptionValues Read(ParseResult result, out int exitCode)
    {
        string path = result.GetValue(ConfigFile) ?? DefaultConfigFile;
        string[] lines = [];
        exitCode = ExitCode.Configuration;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            // The default file need not be there.
            if (result.GetValue(ConfigFile) is not null)
            {
                exitCode = ExitCode.Missing;
                return Unreadable($"cannot read {path}: it does not exist; write it, or name another with --config");
            }
        }
        catch (UnauthorizedAccessException)
        {
            exitCode = ExitCode.NoPermission;
            return Unreadable($"cannot read {path}: permission denied; run: chmod 644 {path}");
        }
        catch (IOException unreadable)
        {
            return Unreadable($"cannot read {path}: {unreadable.Message}");
        }

        return OptionValues.Collect(option => Given(result, option), Environment.GetEnvironmentVariable, path, lines, SystemCredential.Find);
    }

    private static OptionValues Unreadable(string fault)
    {
        OptionValues values = new();
        values.AddFault(fault);
        return values;
    }

    /// <summary>All of them; the first one in <c>systemctl status</c>.</summary>
    private static int Report(IReadOnlyList<string> faults, int exitCode)
    {
        Failure.Report(faults[0], exitCode);
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
