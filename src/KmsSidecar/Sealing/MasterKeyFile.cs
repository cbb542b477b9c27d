using System.Security.Cryptography;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Sealing;

/// <summary>A file with a master key: one line of text, as RustFS takes it too.</summary>
internal static class MasterKeyFile
{
    private const int MaxLength = 1024;

    /// <summary>Reads the line. The file may be a link; only its owner may write or read it.</summary>
    /// <param name="minLength">In bytes: what is stretched before it is used may be short.</param>
    /// <returns>Without the line's end; the caller's to dispose.</returns>
    /// <exception cref="KmsException">StorageFailed.</exception>
    public static SecretBytes Read(string path, int minLength)
    {
        byte[] content = BoundedFile.TryRead(
            path, MaxLength + 1, followSymbolicLinks: true, status => SecretPermissions.FindFault("the master key file", path, status))
            ?? throw new KmsException(KmsError.StorageFailed, FaultCause.Missing, $"the master key file {path} does not exist; make one with: openssl rand -base64 32");
        try
        {
            ReadOnlySpan<byte> line = content.AsSpan().TrimEnd("\r\n"u8);
            if (line.Length < minLength || line.Length > MaxLength || line.ContainsAnyExceptInRange((byte)0x20, (byte)0xff))
            {
                throw new KmsException(
                    KmsError.StorageFailed,
                    FaultCause.Setting,
                    $"the master key in {path} must be one line of {minLength} to {MaxLength} bytes; make one with: openssl rand -base64 32");
            }

            return SecretBytes.CopyOf(line);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }
}
