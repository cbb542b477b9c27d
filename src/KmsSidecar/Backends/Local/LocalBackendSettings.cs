using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Local;

/// <param name="KeyDirectory">Absolute path; made (0700) when it is missing.</param>
/// <param name="FilePermissions">Of the files that are written.</param>
internal sealed record LocalBackendSettings(
    string KeyDirectory, UnixFileMode FilePermissions = UnixFileMode.UserRead | UnixFileMode.UserWrite)
{
    /// <summary>From the master key and the directory's salt to the key of its records; on a node it always gives what RustFS's gives.</summary>
    public KeyDerivation Derive { get; init; } = MasterKeyDerivation.Argon2Id;
}
