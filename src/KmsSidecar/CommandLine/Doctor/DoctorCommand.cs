using System.CommandLine;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary><c>doctor</c>: walks everything on this node that keys depend on. Changes nothing.</summary>
internal static class DoctorCommand
{
    /// <summary>Of the packaged unit; only root and the service may enter the directory, and only root reads the file.</summary>
    private const string ServiceCredentials = "/run/credentials/kms-sidecar.service";
    private const string EnvironmentFile = "/etc/kms-sidecar/credentials";

    public static Command Build()
    {
        Command command = new(
            "doctor",
            "Walk everything on this node that keys depend on: settings, files, sockets, TLS, the running service and its backend, a data key there and back through every door, RustFS's unit, disks, limits. Says ok, warning or fault with the mend, ends with 0 unless there is a fault, and changes nothing. Run it as root to see all; give it the flags that serve is started with.");
        DaemonSettings.AddTo(command);
        command.Options.Add(DaemonConnection.CaFile);
        command.Options.Add(DaemonConnection.Json);
        CommandRun.Set(command, static (result, _) => RunAsync(result));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result)
    {
        FindServiceCredentials();
        OptionValues values = DaemonSettings.Read(result, out int exitCode);
        DaemonOptions options = DaemonOptions.From(values);
        Findings findings = new(IsOutsider(options.StateDirectory));
        findings.Begin("settings");
        foreach (string fault in values.Faults)
        {
            findings.Add(Finding.FaultOf("settings", fault, exitCode));
        }

        if (values.Faults.Count == 0)
        {
            findings.Add(Finding.Ok("settings", "good"));
            await WalkAsync(findings, WithEnvironmentFile(options), result.GetValue(DaemonConnection.CaFile));
        }

        if (result.GetValue(DaemonConnection.Json))
        {
            JsonText.Write(writer => FindingReport.WriteTo(writer, findings));
        }
        else
        {
            FindingReport.WriteTo(Console.Out, findings);
        }

        return findings.ExitCode;
    }

    private static async Task WalkAsync(Findings findings, DaemonOptions options, string? caFile)
    {
        Doors doors = new(options, caFile);
        StartLooks start = new(options, findings);
        ServiceLooks service = new(findings, options);
        await start.RunAsync();
        await OwnershipLooks.RunAsync(findings, options.StateDirectory);
        await new SystemdLooks(findings, options).RunAsync();
        await new DoorLooks(findings, options, doors).RunAsync();
        await service.RunAsync();
        if (service.MayHaveKeys)
        {
            await new DataKeyLooks(findings, options, doors).RunAsync();
        }

        await new RustFsLooks(findings, options).RunAsync();
        findings.Begin("node");
        string? audit = options.Audit is null ? null : AuditOptions.DirectoryOf(options);
        await DiskLooks.RunAsync(findings, ((string?[])[options.StateDirectory, service.KeyDirectory, audit]).OfType<string>());
        if (start.Daemon is { } process)
        {
            await new ProcessLooks(findings, process).RunAsync();
        }
        else
        {
            findings.Add(Finding.Skipped("limits", "there is no running daemon whose limits can be seen", Findings.AsRoot));
        }
    }

    /// <summary>The credentials that systemd gave to the service, for root, who looks from outside of it.</summary>
    private static void FindServiceCredentials()
    {
        if (Posix.EffectiveUserId() == 0 && Environment.GetEnvironmentVariable(SystemCredential.Variable) is null && Directory.Exists(ServiceCredentials))
        {
            Environment.SetEnvironmentVariable(SystemCredential.Variable, ServiceCredentials);
        }
    }

    /// <summary>The unit has root credentials from a file in the environment, too.</summary>
    private static DaemonOptions WithEnvironmentFile(DaemonOptions options) =>
        options.CredentialsFile is null && Environment.GetEnvironmentVariable("RUSTFS_ACCESS_KEY") is null && File.Exists(EnvironmentFile)
            ? options with { CredentialsFile = EnvironmentFile }
            : options;

    private static bool IsOutsider(string stateDirectory)
    {
        uint user = Posix.EffectiveUserId();
        return user != 0 && Directory.Exists(stateDirectory) && Posix.Status(stateDirectory).UserId != user;
    }
}
