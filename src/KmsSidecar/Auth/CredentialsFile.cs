using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>The root credentials in a file of assignments.</summary>
/// <remarks>
/// One <c>NAME=value</c> a line, as in a systemd EnvironmentFile or an AWS shared credentials file of one profile: <c>#</c> and <c>;</c>
/// start comment lines, a value may stand in quotes, blanks around it do not count, other names are skipped (a file may serve RustFS too).
/// Faults name lines and never repeat what is on them.
/// </remarks>
internal static class CredentialsFile
{
    /// <summary>The longest file in bytes: RustFS's whole environment file is a few hundred.</summary>
    public const int MaxBytes = 64 * 1024;

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
