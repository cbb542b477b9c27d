using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Tls;

/// <summary>The text of a PEM file, pinned and wiped: there may be a private key in it.</summary>
internal sealed class PemFile : IDisposable
{
    private const int MaxBytes = 256 * 1024;

    private readonly char[] _text;

    private PemFile(ReadOnlySpan<byte> content)
    {
        _text = GC.AllocateArray<char>(content.Length, pinned: true);
        Encoding.Latin1.GetChars(content, _text);
    }

    public ReadOnlySpan<char> Text => _text;

    /// <summary>The file may be a link, as the tools that renew certificates make them.</summary>
    /// <param name="what">What it is, for faults: <c>certificate</c>.</param>
    /// <exception cref="KmsException">It cannot be read.</exception>
    public static PemFile Read(string path, string what) => Read(path, what, findFault: null);

    /// <summary>As <see cref="Read(string,string)"/>, of a file that others must not be able to read.</summary>
    /// <exception cref="KmsException">They are, or it cannot be read.</exception>
    public static PemFile ReadPrivate(string path, string what) =>
        Read(path, what, status => SecretPermissions.FindFault($"the {what}", path, status));

    public void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_text.AsSpan()));

    private static PemFile Read(string path, string what, Func<FileStatus, string?>? findFault)
    {
        byte[] content = BoundedFile.TryRead(path, MaxBytes, followSymbolicLinks: true, findFault)
            ?? throw new KmsException(
                KmsError.InvalidConfiguration, FaultCause.Missing, $"the {what} {path} does not exist; make one with: kms-sidecar tls init");
        try
        {
            return new PemFile(content);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }
}
