namespace KmsSidecar.Keys;

/// <summary>States of a key, with the spelling of RustFS's API (its records say Active for Enabled, and Deleted for Unavailable).</summary>
internal enum KeyState
{
    Enabled,
    Disabled,
    PendingDeletion,

    /// <summary>A tombstone: deletion has begun and will be completed.</summary>
    Unavailable,
}
