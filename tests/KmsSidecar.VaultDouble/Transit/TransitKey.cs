using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Transit;

/// <summary>A named key and all of its versions.</summary>
internal sealed class TransitKey
{
    private readonly TimeProvider _clock;
    private readonly List<TransitKeyVersion> _versions = [];

    public TransitKey(string name, TransitKeyType type, bool isDerived, TimeProvider clock)
    {
        (Name, Type, IsDerived, _clock) = (name, type, isDerived, clock);
        Rotate();
    }

    public string Name { get; }

    public TransitKeyType Type { get; }

    public bool IsDerived { get; }

    public int Latest => _versions.Count;

    public int MinDecryption { get; set; } = 1;

    public int MinEncryption { get; set; }

    public bool IsExportable { get; set; }

    public bool AllowsPlaintextBackup { get; set; }

    public bool MayBeDeleted { get; set; }

    public bool IsSoftDeleted { get; set; }

    public TimeSpan AutoRotatePeriod { get; set; }

    public void Rotate() => _versions.Add(new TransitKeyVersion(Type, _clock.GetUtcNow()));

    /// <param name="version">0 for the newest.</param>
    public (string Ciphertext, int Version) Encrypt(byte[] plaintext, byte[] associatedData, byte[]? context, int version = 0)
    {
        if (!Type.Encrypts)
        {
            throw new VaultFailure(400, $"message encryption not supported for key type {Type.Name}");
        }

        int used = version == 0 ? Latest : version;
        if (used > Latest)
        {
            throw new VaultFailure(400, "requested version for encryption is higher than the latest key version");
        }

        if (used < MinEncryption)
        {
            throw new VaultFailure(400, "requested version for encryption is less than the minimum encryption key version");
        }

        byte[] bytes = _versions[used - 1].Seal(plaintext, associatedData, ContextFor(context));
        return ($"vault:v{used}:{Convert.ToBase64String(bytes)}", used);
    }

    public byte[] Decrypt(string ciphertext, byte[] associatedData, byte[]? context)
    {
        string[] parts = ciphertext.Split(':', 3);
        if (parts.Length != 3 || parts[0] != "vault" || !parts[1].StartsWith('v'))
        {
            throw new VaultFailure(400, "invalid ciphertext: no prefix");
        }

        if (!int.TryParse(parts[1].AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int version))
        {
            throw new VaultFailure(400, "invalid ciphertext: version number could not be decoded");
        }

        version = Math.Max(version, 1);
        if (version > Latest)
        {
            throw new VaultFailure(400, "invalid ciphertext: version is too new");
        }

        if (version < MinDecryption)
        {
            throw new VaultFailure(400, "ciphertext or signature version is disallowed by policy (too old)");
        }

        byte[]? used = ContextFor(context);
        try
        {
            return _versions[version - 1].Open(Base64Text.Decode(parts[2], "invalid ciphertext: could not decode base64"), associatedData, used);
        }
        catch (CryptographicException)
        {
            throw new VaultFailure(400, "cipher: message authentication failed");
        }
    }

    public JsonObject Describe()
    {
        JsonObject key = new()
        {
            ["allow_plaintext_backup"] = AllowsPlaintextBackup,
            ["auto_rotate_period"] = (long)AutoRotatePeriod.TotalSeconds,
            ["deletion_allowed"] = MayBeDeleted,
            ["derived"] = IsDerived,
            ["exportable"] = IsExportable,
            ["imported_key"] = false,
            ["keys"] = OfEachVersion(static version => version.Describe()),
            ["latest_version"] = Latest,
            ["min_available_version"] = 0,
            ["min_decryption_version"] = MinDecryption,
            ["min_encryption_version"] = MinEncryption,
            ["name"] = Name,
            ["soft_deleted"] = IsSoftDeleted,
            ["supports_decryption"] = Type.Encrypts,
            ["supports_derivation"] = Type.Derives,
            ["supports_encryption"] = Type.Encrypts,
            ["supports_signing"] = Type.Signs,
            ["type"] = Type.Name,
        };
        if (IsDerived)
        {
            key["kdf"] = "hkdf_sha256";
            key["convergent_encryption"] = false;
        }

        return key;
    }

    public JsonObject Export() => OfEachVersion(static version => version.Export());

    private JsonObject OfEachVersion(Func<TransitKeyVersion, JsonNode> shown) => new(
        Enumerable.Range(MinDecryption, Latest - MinDecryption + 1)
            .Select(number => KeyValuePair.Create<string, JsonNode?>(number.ToString(CultureInfo.InvariantCulture), shown(_versions[number - 1]))));

    private byte[]? ContextFor(byte[]? context)
    {
        const string Missing = "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be "
            + "included in order to perform operations with the key";
        return !IsDerived ? null : context is { Length: > 0 } ? context : throw new VaultFailure(400, Missing);
    }
}
