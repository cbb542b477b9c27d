using System.Globalization;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What the system lets the running daemon do, and what of its memory can reach a disk: read from proc(5).</summary>
/// <param name="proc">Where that is mounted.</param>
/// <param name="system">Where sysfs(5) is.</param>
internal sealed class ProcessLooks(Findings findings, int process, string proc = "/proc", string system = "/sys")
{
    /// <summary>The packaged unit has 65536; every connection is one.</summary>
    private const long FewFiles = 4096;

    private readonly string _own = Path.Join(proc, process.ToString(CultureInfo.InvariantCulture));

    public async Task RunAsync()
    {
        await findings.LookAsync("locked memory", LookAtMemory);
        await findings.LookAsync("core dumps", LookAtCore);
        await findings.LookAsync("open files", LookAtFiles);
    }

    private Finding LookAtMemory()
    {
        const string Name = "locked memory";
        if (Line(Path.Join(_own, "status"), "VmLck:") is { } locked && !locked.StartsWith("0 ", StringComparison.Ordinal))
        {
            return Finding.Ok(Name, $"the daemon's memory stays out of the swap");
        }

        string[] swaps = [.. File.ReadLines(Path.Join(proc, "swaps")).Skip(1).Select(static line => line.Split(' ')[0]).Where(IsReadable)];
        return swaps.Length == 0
            ? Finding.Ok(Name, "the daemon's memory is not locked, and there is no swap that others could read")
            : Finding.Warning(
                Name,
                $"keys in memory may be written to the swap {string.Join(", ", swaps)}, which is not encrypted",
                "set LimitMEMLOCK=infinity in the unit, or `ulimit -l unlimited` before the daemon; or encrypt the swap");
    }

    private Finding LookAtCore()
    {
        const string Name = "core dumps";
        string limit = Limit("Max core file size");
        string pattern = File.ReadAllText(Path.Join(proc, "sys/kernel/core_pattern")).Trim();
        return limit == "0" ? Finding.Ok(Name, "core dumps of the daemon are off (limit 0)")
            : IsUndumpable() ? Finding.Ok(Name, "core dumps of the daemon are off (it is not dumpable)")
            : Finding.Warning(
                Name,
                $"the limit of core dumps is {limit}, and they go to {pattern}",
                "set LimitCORE=0 in the unit, or `ulimit -c 0` before the daemon");
    }

    private Finding LookAtFiles()
    {
        const string Name = "open files";
        string limit = Limit("Max open files");
        return long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out long files) && files < FewFiles
            ? Finding.Warning(Name, $"the daemon may open only {limit} files", "set LimitNOFILE=65536 in the unit, or `ulimit -n 65536` before the daemon")
            : Finding.Ok(Name, $"the daemon may open {limit} files");
    }

    /// <summary>The files of such a process are root's, whoever runs it. Of root's own there is no telling.</summary>
    private bool IsUndumpable() =>
        Line(Path.Join(_own, "status"), "Uid:") is { } users
        && !users.StartsWith("0\t", StringComparison.Ordinal)
        && Posix.Status(Path.Join(_own, "status")).UserId == 0;

    /// <summary>Memory (zram), and what dm-crypt writes, are no place where keys could be found.</summary>
    private bool IsReadable(string device)
    {
        string name = Path.GetFileName(device);
        string kind = Path.Join(system, "class/block", name, "dm/uuid");
        return !name.StartsWith("zram", StringComparison.Ordinal)
            && !(File.Exists(kind) && File.ReadAllText(kind).StartsWith("CRYPT-", StringComparison.Ordinal));
    }

    /// <summary>The soft one.</summary>
    private string Limit(string name) =>
        Line(Path.Join(_own, "limits"), name)?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0] ?? throw new IOException($"there is no '{name}' in {_own}/limits");

    private static string? Line(string file, string start) => File.ReadLines(file)
        .FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal))?[start.Length..].Trim();
}
