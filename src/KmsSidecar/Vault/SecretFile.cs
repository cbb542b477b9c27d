using System.Security.Cryptography;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Vault;

/// <summary>A secret of one line that another program keeps in a file. It may be a link, as such programs make them.</summary>
internal static class SecretFile
{
    /// <summary>A service account's JWT has some 1,000.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <param name="setting">What names the file, for faults.</param>
    /// <param name="refused">Permissions that the file must not have.</param>
    /// <returns>Without white space around it; the caller's.</returns>
    /// <exception cref="KmsException">InvalidConfiguration, StorageFailed.</exception>
    public static SecretBytes Read(string setting, string path, UnixFileMode refused)
    {
        byte[] content = BoundedFile.TryRead(
            path,
            MaxBytes,
            followSymbolicLinks: true,
            status => (status.Permissions & refused) != 0 ? $"{setting} {path} is open to others; run: chmod 600 {path}" : null)
            ?? throw new KmsException(KmsError.InvalidConfiguration, $"{setting} {path} does not exist");
        try
        {
            ReadOnlySpan<byte> line = content.AsSpan().Trim(" \t\r\n"u8);
            return line.IsEmpty || line.ContainsAnyExceptInRange((byte)'!', (byte)'~')
                ? throw new KmsException(KmsError.InvalidConfiguration, $"{setting} {path} must hold one line of printable ASCII")
                : SecretBytes.CopyOf(line);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }
}
