using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Local;

/// <param name="KeyDirectory">Absolute path; made (0700) when it is missing.</param>
/// <param name="FilePermissions">Of the files that are written.</param>
internal sealed record LocalBackendSettings(
    string KeyDirectory, UnixFileMode FilePermissions = UnixFileMode.UserRead | UnixFileMode.UserWrite)
{
    /// <summary>From the master key and the directory's salt to the key of its records; RustFS's is the only one that is ever used on a node.</summary>
    public KeyDerivation Derive { get; init; } = MasterKeyDerivation.Argon2Id;
}

/// <returns>32 bytes, the caller's to dispose.</returns>
internal delegate SecretBytes KeyDerivation(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt);
