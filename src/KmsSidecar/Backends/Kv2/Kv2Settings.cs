namespace KmsSidecar.Backends.Kv2;

/// <param name="Mount">Path of the KV v2 mount.</param>
/// <param name="Prefix">Path of the key records below it.</param>
/// <param name="CacheKeys">Whether keys are kept at all; without, every operation reads its key.</param>
/// <param name="MaxCachedKeys">Of the keys, and once more of their older versions.</param>
/// <param name="CacheLifetime">For so long what others change may go unnoticed.</param>
/// <param name="OwnsVault">The client is disposed with the backend.</param>
internal sealed record Kv2Settings(
    string Mount, string Prefix, bool CacheKeys, int MaxCachedKeys, TimeSpan CacheLifetime, bool OwnsVault = true);
