using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Sealing;

namespace KmsSidecar.Audit;

/// <summary>Signs heads of the log with the node's own key (ECDSA P-256, SHA-256), which is kept sealed beside the state.</summary>
internal sealed class AuditSigner : IDisposable
{
    private const string FileName = "signing-key";
    private const int MaxKeyBytes = 512;

    private readonly ECDsa _key;

    private AuditSigner(ECDsa key)
    {
        _key = key;
        PublicKeyPem = key.ExportSubjectPublicKeyInfoPem() + "\n";
        KeyName = AuditKeys.NameOf(key);
    }

    /// <summary>What lines call the key: the start of its fingerprint.</summary>
    public string KeyName { get; }

    public string PublicKeyPem { get; }

    /// <summary>Reads the key, or makes one at first use.</summary>
    /// <exception cref="KmsException">StorageFailed.</exception>
    public static AuditSigner LoadOrCreate(SealedFiles state)
    {
        if (state.Exists(FileName))
        {
            return Load(state);
        }

        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using SecretBytes der = SecretBytes.Allocate(MaxKeyBytes);
        if (!key.TryExportPkcs8PrivateKey(der.Span, out int length))
        {
            throw new InvalidOperationException("the key is longer than any that is made here");
        }

        state.Create(FileName, der.Span[..length]);
        return Load(state);
    }

    /// <exception cref="KmsException">StorageFailed.</exception>
    public static AuditSigner Load(SealedFiles state)
    {
        if (state.TryRead(FileName, out SecretBytes? der) is { } fault)
        {
            throw new KmsException(KmsError.StorageFailed, FaultCause.Damaged, $"cannot use {state.PathOf(FileName)}, which signs the audit log: {fault}");
        }

        using (der)
        {
            ECDsa key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(der!.Span, out _);
            return new AuditSigner(key);
        }
    }

    /// <returns>In DER, as OpenSSL reads it.</returns>
    public byte[] Sign(string text) => _key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public void Dispose() => _key.Dispose();
}
