namespace KmsSidecar.Backends.Local;

/// <param name="KeyDirectory">Absolute path; made (0700) when it is missing.</param>
/// <param name="FilePermissions">Of the files that are written.</param>
internal sealed record LocalBackendSettings(
    string KeyDirectory, UnixFileMode FilePermissions = UnixFileMode.UserRead | UnixFileMode.UserWrite);
