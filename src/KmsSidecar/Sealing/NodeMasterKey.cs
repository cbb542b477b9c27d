using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Sealing;

/// <summary>The node's master key: one line of text. It seals the stored configuration, and is the password of a key directory whose
/// configuration brings none.</summary>
/// <remarks>
/// Text, because RustFS takes it as text: a key directory made here opens there with this line as <c>RUSTFS_KMS_LOCAL_MASTER_KEY</c>.
/// The sealing key is HKDF-SHA256 of it (RFC 5869), which does not stretch: hence the least length. Dispose with the process.
/// </remarks>
internal sealed class NodeMasterKey : IDisposable
{
    public const string FileName = "master.key";

    /// <summary>24 random bytes in base64; what is generated here is 32.</summary>
    private const int MinLength = 32;
    private const string CheckName = "master-key.check";

    private readonly AeadKey _sealingKey;

    private NodeMasterKey(SecretBytes text)
    {
        Text = text;
        using SecretBytes derived = DeriveKey("seal");
        _sealingKey = AeadKey.From(derived.Span);
    }

    /// <summary>The line itself; stays this object's.</summary>
    public SecretBytes Text { get; }

    /// <summary>Reads the key from a file, which may be a link; only its owner may write or read it.</summary>
    public static NodeMasterKey Read(string path) => new(MasterKeyFile.Read(path, MinLength));

    /// <summary>Reads the key that the state directory holds, or makes one there.</summary>
    /// <param name="generated">True when it was made now, which the log should say once.</param>
    public static NodeMasterKey ReadOrGenerate(DurableDirectory stateDirectory, out bool generated)
    {
        generated = false;
        if (!stateDirectory.Exists(FileName))
        {
            if (stateDirectory.Exists(CheckName))
            {
                throw Gone(stateDirectory);
            }

            generated = true;
            using SecretBytes random = SecretBytes.Random(AeadKey.KeyLength);
            using SecretBytes line = SecretBytes.Allocate(Base64.GetMaxEncodedToUtf8Length(random.Length) + 1);
            Base64.EncodeToUtf8(random.Span, line.Span, out _, out int length);
            line.Span[length] = (byte)'\n';
            stateDirectory.TryCreate(FileName, line.Span, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return Read(Path.Join(stateDirectory.FullPath, FileName));
    }

    /// <summary>A key for one purpose, from which neither this key nor that of another purpose can be found; the caller disposes it.</summary>
    /// <param name="purpose">For example <c>session-token</c>.</param>
    public SecretBytes DeriveKey(string purpose)
    {
        SecretBytes derived = SecretBytes.Allocate(AeadKey.KeyLength);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Text.Span, derived.Span, salt: [], info: Encoding.UTF8.GetBytes($"kms-sidecar/{purpose}/1"));
        return derived;
    }

    /// <summary>Sealed files under this key. The key must outlive them.</summary>
    public SealedFiles Seal(DurableDirectory directory, string purpose) => new(directory, _sealingKey, purpose);

    /// <summary>Refuses a key that is not the one that sealed this state directory, before anything is taken for damaged.</summary>
    public void RequireMatch(DurableDirectory stateDirectory)
    {
        SealedFiles check = Seal(stateDirectory, "check");
        if (!check.Exists(CheckName))
        {
            check.Write(CheckName, "kms-sidecar"u8);
            return;
        }

        if (check.TryRead(CheckName, out SecretBytes? content) is not null)
        {
            throw new KmsException(
                KmsError.StorageFailed,
                FaultCause.Damaged,
                $"the master key does not open {stateDirectory.FullPath}: it is not the one that sealed it; give the former one with --master-key-file, or another --state-dir");
        }

        content!.Dispose();
    }

    /// <summary>Refuses what a start would refuse, and makes nothing.</summary>
    /// <param name="path">Null for the key that the state directory holds.</param>
    /// <returns>False when there is no key yet, and a start would make one.</returns>
    public static bool Check(DurableDirectory stateDirectory, string? path)
    {
        bool isSealed = stateDirectory.Exists(CheckName);
        if (path is null && !stateDirectory.Exists(FileName))
        {
            return isSealed ? throw Gone(stateDirectory) : false;
        }

        using NodeMasterKey key = Read(path ?? Path.Join(stateDirectory.FullPath, FileName));
        if (isSealed)
        {
            key.RequireMatch(stateDirectory);
        }

        return true;
    }

    public void Dispose()
    {
        Text.Dispose();
        _sealingKey.Dispose();
    }

    public override string ToString() => "[secret]";

    private static KmsException Gone(DurableDirectory stateDirectory) => new(
        KmsError.StorageFailed,
        FaultCause.Missing,
        $"{Path.Join(stateDirectory.FullPath, FileName)} is gone, but the state beside it was sealed with it; restore it, or give the key with --master-key-file or as the systemd credential 'master-key'");
}
