namespace KmsSidecar.Vault;

/// <summary>How Vault's certificate is checked, and which one it is shown.</summary>
/// <param name="CaCertPath">PEM bundle that takes the place of what the system trusts; null for the system's.</param>
/// <param name="ClientCertPath">PEM, its chain after it; null for none. Together with <paramref name="ClientKeyPath"/>.</param>
/// <param name="SkipVerify">Anybody can pose as Vault then: for experiments.</param>
internal sealed record VaultTls(
    string? CaCertPath = null, string? ClientCertPath = null, string? ClientKeyPath = null, bool SkipVerify = false);
