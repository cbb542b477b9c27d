using KmsSidecar.Lifecycle;

namespace KmsSidecar.Operations;

/// <summary>What this service knows to depend on a key: only whether it is the default key. Which objects were written under it, RustFS knows.</summary>
internal readonly record struct KeyImpact(string KeyId, bool IsDefaultKey)
{
    /// <param name="keyId">Resolved; it need not exist.</param>
    public static KeyImpact Of(Snapshot snapshot, string keyId) => new(keyId, keyId == DefaultKey.IdOf(snapshot));
}
