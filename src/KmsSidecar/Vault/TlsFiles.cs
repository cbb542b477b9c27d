using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.Vault;

/// <summary>Makes the TLS options of a connection from the files that the settings name.</summary>
internal static class TlsFiles
{
    private const int MaxBytes = 1024 * 1024;

    /// <exception cref="KmsException">InvalidConfiguration, StorageFailed: a file cannot be used.</exception>
    public static SslClientAuthenticationOptions Read(VaultTls tls)
    {
        SslClientAuthenticationOptions options = new();
        if (tls.SkipVerify)
        {
            options.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null;
        }
        else if (tls.CaCertPath is { } bundle)
        {
            options = TrustedAuthorities.Trust(ReadCertificates("ca_cert_path", bundle));
        }

        if (tls is { ClientCertPath: { } certificate, ClientKeyPath: { } key })
        {
            options.ClientCertificateContext = ReadPair(certificate, key);
        }

        return options;
    }

    /// <summary>Of all the files: equal stamps are equal options.</summary>
    public static (FileStamp?, FileStamp?, FileStamp?) StampsOf(VaultTls tls) => (StampOf(tls.CaCertPath), StampOf(tls.ClientCertPath), StampOf(tls.ClientKeyPath));

    private static FileStamp? StampOf(string? path) => path is null ? null : FileStamp.Of(path);

    private static X509Certificate2Collection ReadCertificates(string setting, string path) => WithText(setting, path, findFault: null, text =>
    {
        X509Certificate2Collection found = [];
        found.ImportFromPem(text.Span);
        return found.Count > 0 ? found : throw new KmsException(KmsError.InvalidConfiguration, $"{setting} {path}: there is no certificate in PEM in it");
    });

    private static SslStreamCertificateContext ReadPair(string certificatePath, string keyPath)
    {
        X509Certificate2Collection chain = ReadCertificates("client_cert_path", certificatePath);
        using X509Certificate2 first = chain[0];
        chain.RemoveAt(0);
        return WithText("client_key_path", keyPath, status => SecretPermissions.FindFault("client_key_path", keyPath, status), text =>
        {
            X509Certificate2 pair = X509Certificate2.CreateFromPem(first.ExportCertificatePem(), text.Span);
            return SslStreamCertificateContext.Create(pair, chain, offline: true);
        });
    }

    /// <summary>The text is wiped afterwards: there may be a private key in it.</summary>
    private static T WithText<T>(string setting, string path, Func<FileStatus, string?>? findFault, Func<ReadOnlyMemory<char>, T> use)
    {
        byte[] content = BoundedFile.TryRead(path, MaxBytes, followSymbolicLinks: true, findFault)
            ?? throw new KmsException(KmsError.InvalidConfiguration, $"{setting} {path} does not exist");
        char[] text = GC.AllocateArray<char>(content.Length, pinned: true);
        try
        {
            Encoding.Latin1.GetChars(content, text);
            return use(text);
        }
        catch (Exception unusable) when (unusable is CryptographicException or ArgumentException)
        {
            throw new KmsException(KmsError.InvalidConfiguration, $"{setting} {path} cannot be used: {unusable.Message}", unusable);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(text.AsSpan()));
        }
    }
}
