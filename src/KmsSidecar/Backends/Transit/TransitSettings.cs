namespace KmsSidecar.Backends.Transit;

/// <param name="Mount">Path of the Transit mount.</param>
/// <param name="MetadataMount">Path of the KV v2 mount that has the keys' records.</param>
/// <param name="MetadataPrefix">Path of the records below it.</param>
/// <param name="CacheKeys">Whether anything is kept at all; without, every operation asks Vault.</param>
/// <param name="MaxCachedKeys">Of the keys' descriptions, and once more of the opened data keys.</param>
/// <param name="CacheLifetime">For so long what others change may go unnoticed.</param>
/// <param name="DefaultKeyId">Checked before the backend is opened for new data keys; null when there is none.</param>
/// <param name="OwnsVault">The client is disposed with the backend.</param>
internal sealed record TransitSettings(
    string Mount,
    string MetadataMount,
    string MetadataPrefix,
    bool CacheKeys,
    int MaxCachedKeys,
    TimeSpan CacheLifetime,
    string? DefaultKeyId = null,
    bool OwnsVault = true)
{
    /// <summary>What RustFS calls the manager of these keys, and the origin of those that are made here.</summary>
    public const string Manager = "VAULT_TRANSIT";
}
