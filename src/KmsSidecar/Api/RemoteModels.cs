using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>How a backend fares with its server, in <c>/kms/status</c>.</summary>
/// <param name="TokenSecondsLeft">Null where the token never ends, or nobody says.</param>
/// <param name="Failures">By what was the matter, those that have happened alone.</param>
internal sealed record RemoteSummary(
    string Server,
    string AuthMethod,
    bool Authenticated,
    string? TokenExpiresAt,
    long? TokenSecondsLeft,
    bool TokenRenewable,
    string? LastError,
    string? LastRenewalAt,
    long LogIns,
    string Breaker,
    int InFlight,
    int Queued,
    long Requests,
    long Retries,
    ImmutableSortedDictionary<string, long> Failures)
{
    public static RemoteSummary? Of(RemoteStatus? status) => status is null ? null : new RemoteSummary(
        status.Server,
        status.AuthMethod,
        status.Authenticated,
        StatusRoutes.Rfc3339(status.ExpiresAt),
        status.SecondsLeft,
        status.Renewable,
        status.LastError,
        StatusRoutes.Rfc3339(status.LastRenewal),
        status.LogIns,
        status.Breaker,
        status.InFlight,
        status.Queued,
        status.Requests,
        status.Retries,
        status.Failures.Where(static failure => failure.Count > 0).ToImmutableSortedDictionary(
            static failure => failure.Name, static failure => failure.Count, StringComparer.Ordinal));
}

/// <summary>A backend in Vault, with upstream's members and ours; the members beyond these depend on the backend.</summary>
internal abstract record RemoteBackendSummary : BackendSummary
{
    private readonly VaultConfiguration _vault;

    private protected RemoteBackendSummary(VaultConfiguration vault) => _vault = vault;

    public string Address => _vault.Address;

    public string AuthMethodType => _vault.AuthMethodType;

    /// <summary>In the stored configuration, and not in a file that it names.</summary>
    public bool HasStoredCredentials => _vault.HasStoredCredentials;

    public string? Namespace => _vault.Namespace;

    public bool SkipTlsVerify => _vault.SkipTlsVerify;

    private protected VaultConfiguration Vault => _vault;

    public static RemoteBackendSummary Of(BackendType type, VaultConfiguration vault) => type switch
    {
        BackendType.Vault => new VaultSummary(vault),
        BackendType.VaultTransit => new VaultTransitSummary(vault),
        _ => new VaultKv2Summary(vault),
    };
}

/// <summary>The playbook's.</summary>
internal sealed record VaultSummary : RemoteBackendSummary
{
    internal VaultSummary(VaultConfiguration vault)
        : base(vault)
    {
    }

    public string MountPath => Vault.TransitMount!;

    public string KvMount => Vault.KeyValueMount;

    public string KeyPathPrefix => Vault.KeyPrefix;
}

internal sealed record VaultTransitSummary : RemoteBackendSummary
{
    internal VaultTransitSummary(VaultConfiguration vault)
        : base(vault)
    {
    }

    public string MountPath => Vault.TransitMount!;

    public string MetadataKvMount => Vault.KeyValueMount;

    public string MetadataKeyPrefix => Vault.KeyPrefix;
}

internal sealed record VaultKv2Summary : RemoteBackendSummary
{
    internal VaultKv2Summary(VaultConfiguration vault)
        : base(vault)
    {
    }

    public string KvMount => Vault.KeyValueMount;

    public string KeyPathPrefix => Vault.KeyPrefix;
}
