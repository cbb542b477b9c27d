using KmsSidecar.Options;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>Whether systemd starts the service with the node and runs it now, as its files and control groups say.</summary>
/// <param name="root">Of the file system.</param>
internal sealed class SystemdLooks(Findings findings, DaemonOptions options, string root = "/")
{
    private const string Name = "kms-sidecar.service";

    private readonly UnitFile _unit = new(Name, root);

    public async Task RunAsync()
    {
        findings.Begin("systemd");
        if (_unit.FullPath is not { } file)
        {
            findings.Add(Finding.Skipped("unit", $"{Name} is not installed on this node: somebody else starts the daemon"));
            return;
        }

        await findings.LookAsync("unit", () => LookAtUnit(file));
        if (Directory.Exists(Path.Join(root, "run/systemd/system")))
        {
            await findings.LookAsync("unit runs", LookAtProcesses);
        }

        await findings.LookAsync("socket unit", LookAtSockets);
    }

    private Finding LookAtUnit(string file)
    {
        string edits = _unit.DropIns.Count == 0 ? "" : $", with {string.Join(", ", _unit.DropIns.Select(Path.GetFileName))}";
        return _unit.IsEnabledBy("multi-user.target")
            ? Finding.Ok("unit", $"{file}{edits} starts with the node")
            : Finding.Warning("unit", $"{file}{edits} does not start with the node", "systemctl enable kms-sidecar.service kms-sidecar.socket");
    }

    private Finding LookAtProcesses()
    {
        string group = Path.Join(root, "sys/fs/cgroup/system.slice", Name, "cgroup.procs");
        return File.Exists(group) && File.ReadLines(group).Any()
            ? Finding.Ok("unit runs", $"{Name} runs")
            : Finding.Fault("unit runs", $"{Name} does not run", "journalctl -u kms-sidecar says why; systemctl start kms-sidecar", ExitCode.Unavailable);
    }

    /// <summary>An address that systemd has and the daemon does not know keeps the daemon from starting; one that it does not have is refused
    /// while the daemon is away.</summary>
    private Finding LookAtSockets()
    {
        SocketUnit sockets = new(root);
        if (!sockets.IsEnabled)
        {
            return Finding.Warning(
                "socket unit", "kms-sidecar.socket is not enabled: callers are refused while the daemon starts", "systemctl enable --now kms-sidecar.socket");
        }

        string[] ours = [options.Socket, .. options.Listen.Select(static address => address.EndPoint.ToString())];
        string[] missing = [.. ours.Where(address => !sockets.Has(address))];
        return missing.Length == 0
            ? Finding.Ok("socket unit", $"kms-sidecar.socket has {string.Join(", ", ours)}")
            : Finding.Warning(
                "socket unit",
                $"kms-sidecar.socket does not have {string.Join(", ", missing)}: callers are refused there while the daemon starts",
                "add ListenStream= lines: systemctl edit kms-sidecar.socket");
    }
}
