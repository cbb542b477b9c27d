namespace KmsSidecar.Backends.Local;

/// <summary>How the material lies in its file.</summary>
internal enum AtRestProtection
{
    /// <summary>No marker, RustFS up to 1.0.0-beta.8: plaintext when there is no nonce; else encrypted, under either derivation.</summary>
    LegacyUnspecified,

    /// <summary>AES-256-GCM under the Argon2id master key.</summary>
    EncryptedMasterKey,

    /// <summary>As it is. RustFS writes this in its development mode only.</summary>
    PlaintextDevOnly,
}
