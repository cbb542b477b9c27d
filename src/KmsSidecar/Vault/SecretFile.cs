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
    /// <param name="isPublic">Whoever wrote the file decides who reads it.</param>
    /// <returns>Without white space around it; the caller's.</returns>
    /// <exception cref="KmsException">InvalidConfiguration, StorageFailed.</exception>
    public static SecretBytes Read(string setting, string path, bool isPublic = false)
    {
        byte[] content = BoundedFile.TryRead(
            path,
            MaxBytes,
            followSymbolicLinks: true,
            status => isPublic ? null : SecretPermissions.FindFault(setting, path, status))
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
