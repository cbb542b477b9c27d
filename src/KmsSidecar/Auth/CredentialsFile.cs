using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>Reads the root credentials from a file of assignments.</summary>
/// <remarks>
/// One <c>NAME=value</c> a line, as in a systemd EnvironmentFile or an AWS shared credentials file of one profile: <c>#</c> and <c>;</c>
/// start comment lines, a value may stand in quotes, blanks around it do not count, other names are skipped (a file may serve RustFS too).
/// Faults name lines and never repeat what is on them.
/// </remarks>
internal static class CredentialsFile
{
    /// <summary>The longest file in bytes: RustFS's whole environment file is a few hundred.</summary>
    public const int MaxBytes = 64 * 1024;

    // Group members may read: systemd shows 0440 on a credential that it hands to a service by an access control list.
    private const UnixFileMode TooOpen = UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads and parses a file. The caller disposes the credentials.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static bool TryRead(
        string path, [NotNullWhen(true)] out RootCredentials? credentials, [NotNullWhen(false)] out IReadOnlyList<string>? faults)
    {
        credentials = null;
        byte[] content = GC.AllocateUninitializedArray<byte>(MaxBytes + 1, pinned: true);
        try
        {
            // No buffer of its own, which would keep a copy of the secret.
            using FileStream file = new(path, new FileStreamOptions { BufferSize = 0 });
            if (FindModeFault(File.GetUnixFileMode(file.SafeFileHandle)) is string fault)
            {
                faults = [fault];
                return false;
            }

            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length > MaxBytes)
            {
                faults = ["the file is longer than 64 KiB"];
                return false;
            }

            return TryParse(content.AsSpan(0, length), out credentials, out faults);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Says why a file of this mode is refused; null when only its owner can change it and not everybody can read it.</summary>
    public static string? FindModeFault(UnixFileMode mode) => (mode & TooOpen) == 0
        ? null
        : "the file can be read by everybody or changed by others than its owner: chmod 600 it";

    /// <summary>Parses a file's content, which the caller wipes. The caller disposes the credentials.</summary>
    /// <param name="content">The bytes of the file.</param>
    /// <param name="credentials">The pair, when there are no faults.</param>
    /// <param name="faults">All that is wrong, each with its line where it has one.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> content,
        [NotNullWhen(true)] out RootCredentials? credentials,
        [NotNullWhen(false)] out IReadOnlyList<string>? faults)
    {
        CredentialLines lines = CredentialLines.Read(content);
        List<string> found = [.. lines.Faults];
        credentials = null;
        if (lines is { AccessKey: CredentialLines.Assignment accessKey, SecretKey: CredentialLines.Assignment secretKey })
        {
            string name = Encoding.UTF8.GetString(content[accessKey.Value]);
            AddFault(found, accessKey.Line, AccessKeyRules.FindFault(name));
            AddFault(found, secretKey.Line, SecretKey.FindFault(content[secretKey.Value]));
            credentials = found.Count == 0 ? new RootCredentials(name, content[secretKey.Value]) : null;
        }

        faults = credentials is null ? found : null;
        return credentials is not null;
    }

    private static void AddFault(List<string> faults, int line, string? fault)
    {
        if (fault is not null)
        {
            faults.Add($"line {line}: {fault}");
        }
    }
}
