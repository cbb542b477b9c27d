using System.CommandLine;
using KmsSidecar.CommandLine.Access;
using KmsSidecar.CommandLine.Apply;
using KmsSidecar.CommandLine.Audit;
using KmsSidecar.CommandLine.Bench;
using KmsSidecar.CommandLine.Doctor;
using KmsSidecar.CommandLine.Keys;
using KmsSidecar.CommandLine.Service;
using KmsSidecar.CommandLine.Top;
using KmsSidecar.Hosting;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine;

/// <summary>The command line: <c>serve</c> runs the daemon, <c>check</c> says whether it would start, <c>tls</c> makes certificates; the others
/// ask a running daemon, over its admin socket or over TCP.</summary>
internal static class SidecarCommand
{
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
            static (options, _) => StartCheck.RunAsync(options)));
        root.Subcommands.Add(DoctorCommand.Build());
        root.Subcommands.Add(TopCommand.Build());
        root.Subcommands.Add(StatusCommand.Build());
        foreach (Command command in (Command[])[.. ConfigurationCommands.Build(), .. LifecycleCommands.Build(), .. HistoryCommands.Build()])
        {
            root.Subcommands.Add(command);
        }

        root.Subcommands.Add(ApplyCommand.Build());
        root.Subcommands.Add(DecryptOnlyCommand.Build());
        root.Subcommands.Add(KeysCommand.Build());
        root.Subcommands.Add(UsersCommand.Build());
        root.Subcommands.Add(PolicyCommand.Build());
        root.Subcommands.Add(TlsCommand.Build());
        root.Subcommands.Add(BenchCommand.Build());
        root.Subcommands.Add(AuditCommand.Build());
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
        DaemonSettings.AddTo(command);
        command.SetAction(async (result, _) =>
        {
            OptionValues values = DaemonSettings.Read(result, out int exitCode);
            DaemonOptions options = DaemonOptions.From(values);
            return values.Faults.Count > 0
                ? Failure.Report(values.Faults, exitCode)
                : await run(options, new SettingsSource(values, () => DaemonSettings.Read(result, out int _)));
        });
        return command;
    }
}
