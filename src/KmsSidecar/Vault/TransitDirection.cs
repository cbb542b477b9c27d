namespace KmsSidecar.Vault;

/// <summary>What Transit is asked to do with an item.</summary>
internal enum TransitDirection
{
    Encrypt,
    Decrypt,
}
