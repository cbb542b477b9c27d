using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>Whether what the daemon keeps is its own and nobody else's, which root cannot tell by trying.</summary>
internal static class OwnershipLooks
{
    private const UnixFileMode Others = (UnixFileMode)0x3f;

    public static Task RunAsync(Findings findings, string directory) => Directory.Exists(directory)
        ? findings.LookAsync("ownership", () => Judge(directory, new LocalAccounts()))
        : Task.CompletedTask;

    /// <param name="directory">That of the state.</param>
    public static Finding Judge(string directory, LocalAccounts accounts)
    {
        const string Name = "ownership";
        FileStatus own = Posix.Status(directory);
        string owner = accounts.NameOfUser(own.UserId);
        if ((own.Permissions & Others) != 0)
        {
            return Finding.Fault(Name, $"{directory} is open to others (mode {Convert.ToString((int)own.Permissions, 8)})", $"chmod 700 {directory}", ExitCode.NoPermission);
        }

        // What root has made here once, with a serve by hand, its user cannot open.
        string? foreign = Directory.EnumerateFileSystemEntries(directory).FirstOrDefault(path => Posix.Status(path).UserId != own.UserId);
        return foreign is null
            ? Finding.Ok(Name, $"{directory} is {owner}'s alone")
            : Finding.Fault(
                Name,
                $"{foreign} is {accounts.NameOfUser(Posix.Status(foreign).UserId)}'s, and the directory is {owner}'s",
                $"chown -R {owner}: {directory}",
                ExitCode.NoPermission);
    }
}
