using System.CommandLine;
using System.Globalization;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine.Apply;

/// <summary><c>apply</c>: makes the running state equal a file.</summary>
internal static class ApplyCommand
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private static readonly Option<string> File = new("--file", "-f")
    {
        Description = "What is wanted, in JSON; - for standard input. Closed to others (chmod 600) when a secret is in it",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<bool> DryRun = new("--dry-run")
    {
        Description = "Say what would be changed, and change nothing. Ends with 0 when that is nothing, with 1 when it is something",
    };

    private static readonly Option<string?> Wait = new("--wait")
    {
        Description = "How long to wait for the daemon, for its backend and for RustFS, such as 60s or 5m [default: not at all]",
        HelpName = "TIME",
    };

    private static readonly Option<string?> RustFs = new("--rustfs-endpoint")
    {
        Description = "Wait for this RustFS before anything is changed: http(s)://HOST:PORT",
        HelpName = "URL",
    };

    public static Command Build() => AdminCommand.Build(
        new CommandHelp(
            "apply",
            """
            Make the daemon as a file has it: configuration, run state, keys, policies and users. Running it again changes nothing.

            The file is {"configuration":{...},"state":"Running","keys":[...],"policies":{...},"users":[...]}, every part optional, or a bare
            configuration as configure takes it. What the file does not name stays as it is; of the configuration it is the whole.
            """,
            "kms-sidecar apply -f desired.json --dry-run\nkms-sidecar apply -f desired.json --wait 60s"),
        RunAsync,
        File,
        DryRun,
        Wait,
        RustFs);

    private static async Task<int> RunAsync(ParseResult result, DaemonClient client, CancellationToken cancellation)
    {
        Patience patience = new(ReadWait(result.GetValue(Wait)), TimeProvider.System, new Progress(Console.Error, !Console.IsErrorRedirected).Tell);
        Uri? rustFs = ReadRustFs(result.GetValue(RustFs));
        using DesiredState desired = DesiredFile.Read(result.GetRequiredValue(File));
        bool asJson = result.GetValue(DaemonConnection.Json);
        ApplyReport report = new(result.GetValue(DryRun), asJson ? null : Console.Out);
        CommandFault? fault = null;
        try
        {
            if (rustFs is not null)
            {
                await RustFsReadiness.WaitAsync(rustFs, patience, cancellation);
            }

            await new ApplyRun(new PatientDaemon(client.SendAsync, patience), report).RunAsync(desired, cancellation);
            report.Finish();
        }
        catch (CommandFault failed)
        {
            fault = report.Explain(failed);
        }

        if (asJson)
        {
            JsonText.Write(writer => report.WriteTo(writer, fault?.Message));
        }

        return fault is null ? report is { IsRehearsal: true, HasChanges: true } ? ExitCode.Denied : ExitCode.Ok : throw fault;
    }

    private static Uri? ReadRustFs(string? text) => text is null ? null : EndpointAddress.TryParse(text)
        ?? throw new CommandFault(ExitCode.Usage, "--rustfs-endpoint: expected http(s)://HOST:PORT and nothing behind it");

    private static TimeSpan ReadWait(string? text)
    {
        if (text is null)
        {
            return TimeSpan.Zero;
        }

        int unit = text.EndsWith('m') ? 60 : 1;
        string digits = text.EndsWith('m') || text.EndsWith('s') ? text[..^1] : text;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && (long)count * unit <= (long)LongestWait.TotalSeconds
            ? TimeSpan.FromSeconds(count * unit)
            : throw new CommandFault(ExitCode.Usage, $"--wait {text}: expected a time such as 60s or 5m, at most an hour");
    }
}
