using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Audit;

/// <summary>The public keys that heads may be signed with, by the name that lines give them.</summary>
internal sealed class AuditKeys : IDisposable
{
    private const int NameBytes = 8;
    private const int MaxPemBytes = 4096;

    private readonly Dictionary<string, ECDsa> _keys = [];

    /// <summary>The start of the SHA-256 of the key's SubjectPublicKeyInfo, in hex.</summary>
    public static string NameOf(ECDsa key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()).AsSpan(0, NameBytes));

    /// <exception cref="KmsException">The file is missing, or holds no such key.</exception>
    public void AddFile(string path)
    {
        byte[] pem = BoundedFile.TryRead(path, MaxPemBytes, followSymbolicLinks: true)
            ?? throw new KmsException(KmsError.StorageFailed, FaultCause.Missing, $"the key {path} does not exist");
        Add(Encoding.UTF8.GetString(pem), path);
    }

    /// <param name="source">For the fault.</param>
    public void Add(string pem, string source)
    {
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            if (!_keys.TryAdd(NameOf(key), key))
            {
                key.Dispose();
            }
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new KmsException(KmsError.StorageFailed, FaultCause.Setting, $"{source} is not a public key of an elliptic curve in PEM");
        }
    }

    public bool Has(string name) => _keys.ContainsKey(name);

    /// <param name="name">Of a key that is here.</param>
    /// <param name="signature">In DER.</param>
    public bool Verify(string name, string text, ReadOnlySpan<byte> signature) =>
        _keys[name].VerifyData(Encoding.ASCII.GetBytes(text), signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public void Dispose()
    {
        foreach (ECDsa key in _keys.Values)
        {
            key.Dispose();
        }
    }
}
