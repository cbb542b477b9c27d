namespace KmsSidecar.Keys;

/// <summary>The members of an envelope that mean something, as a set.</summary>
[Flags]
internal enum EnvelopeMembers
{
    /// <summary>No member; for a single name: one that is not known here.</summary>
    None = 0,
    KeyId = 1 << 0,
    MasterKeyId = 1 << 1,
    KeySpec = 1 << 2,
    EncryptedKey = 1 << 3,
    Nonce = 1 << 4,
    EncryptionContext = 1 << 5,
    CreatedAt = 1 << 6,
    MasterKeyVersion = 1 << 7,
    Form = 1 << 8,

    /// <summary>The seven names by which RustFS tells an envelope from other metadata.</summary>
    Required = KeyId | MasterKeyId | KeySpec | EncryptedKey | Nonce | EncryptionContext | CreatedAt,
}
