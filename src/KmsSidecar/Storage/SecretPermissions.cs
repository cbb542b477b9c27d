namespace KmsSidecar.Storage;

/// <summary>Who may read a file with a secret: its owner, and nobody else.</summary>
internal static class SecretPermissions
{
    private const UnixFileMode Others = (UnixFileMode)0x3f;

    // systemd lets the service in by an access control list, whose mask appears as a right of the group; nobody else enters the directory.
    private const UnixFileMode OthersOfACredential = Others & ~UnixFileMode.GroupRead;

    /// <summary>Says why a file is refused, and the mend; null when it is not.</summary>
    /// <param name="what">What it is: <c>the users file</c>.</param>
    public static string? FindFault(string what, string path, FileStatus status) =>
        (status.Permissions & (SystemCredential.Contains(path) ? OthersOfACredential : Others)) == 0
            ? null
            : $"{what} {path} is open to others; run: chmod 600 {path}";
}
