using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>Room on the disks that the daemon writes to: on a full one no change is stored and no key is made.</summary>
internal static class DiskLooks
{
    private const string Name = "disk";
    private const ulong MegaByte = 1_000_000;
    private const ulong FewBytes = 200 * MegaByte;
    private const ulong NoBytes = 20 * MegaByte;
    private const ulong NoFiles = 100;
    private const ulong Few = 10;

    /// <param name="directories">Those that are not there yet are passed over.</param>
    public static async Task RunAsync(Findings findings, IEnumerable<string> directories)
    {
        foreach (string directory in directories.Distinct().Where(Directory.Exists))
        {
            await findings.LookAsync(Name, () => Judge(directory, FileSystemSpace.Of(directory)));
        }
    }

    /// <param name="space">Null when it cannot be told.</param>
    public static Finding Judge(string directory, FileSystemSpace? space)
    {
        string mend = $"make room on the disk of {directory} (df -h {directory}; df -i {directory}), or move it to a larger one";
        if (space is not { } left)
        {
            return Finding.Skipped(Name, $"how full the disk of {directory} is cannot be seen", Findings.AsRoot);
        }

        ulong percent = Percent(left.FreeBytes, left.Bytes);
        string sentence = $"{left.FreeBytes / MegaByte} MB free ({percent} %) on the disk of {directory}";
        bool countsFiles = left.Files > 0;
        return left.FreeBytes < NoBytes ? Finding.Fault(Name, $"only {sentence}", mend, ExitCode.Disk)
            : countsFiles && left.FreeFiles < NoFiles
                ? Finding.Fault(Name, $"only {left.FreeFiles} more files fit on the disk of {directory}", mend, ExitCode.Disk)
            : left.FreeBytes < FewBytes || percent < Few ? Finding.Warning(Name, $"only {sentence}", mend)
            : countsFiles && Percent(left.FreeFiles, left.Files) < Few
                ? Finding.Warning(Name, $"only {left.FreeFiles} of {left.Files} inodes are free on the disk of {directory}", mend)
            : Finding.Ok(Name, sentence);
    }

    /// <summary>Network file systems have sizes of which a hundredfold is no 64-bit number.</summary>
    private static ulong Percent(ulong part, ulong whole) => whole == 0 ? 0 : (ulong)((double)part * 100 / whole);
}
