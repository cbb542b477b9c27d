namespace KmsSidecar.Storage;

/// <summary>What a systemd unit's sandbox does to a path, told from what the disk does: the mend is a line in the unit and not a mount.</summary>
internal static class ServiceSandbox
{
    private static readonly string[] Homes = ["/home", "/root", "/run/user"];

    /// <summary>What ails a directory that cannot be made or locked, and the mend.</summary>
    public static string Explain(string directory, int errno) => Explain(directory, errno, IsService());

    /// <param name="isService">Whether systemd runs this process as a service.</param>
    public static string Explain(string directory, int errno, bool isService)
    {
        bool isHome = Homes.Any(home => directory == home || directory.StartsWith($"{home}/", StringComparison.Ordinal));
        bool isHidden = isHome && errno is (Errno.AccessDenied or Errno.NotFound);
        return isService && (errno == Errno.ReadOnlyFileSystem || isHidden)
            ? $"the service may not write there; let it with `install -d -o kms-sidecar -m 700 {directory}` and `systemctl edit kms-sidecar`: "
                + $"[Service], {(isHome ? "ProtectHome=no, " : "")}ReadWritePaths={directory}"
            : Errno.Describe(errno);
    }

    private static bool IsService() =>
        Environment.GetEnvironmentVariable("INVOCATION_ID") is not null || Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not null;
}
