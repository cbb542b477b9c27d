namespace KmsSidecar.Configuration;

/// <summary>Where keys live.</summary>
internal enum BackendType
{
    Local,
    Static,

    /// <summary>The playbook's: Transit, with its metadata where the playbook says.</summary>
    Vault,

    /// <summary>RustFS's own layout of the same.</summary>
    VaultTransit,
    VaultKv2,
}

internal static class BackendTypes
{
    /// <summary>The kebab-case name: <c>/kms/status</c>, summaries, stored configurations.</summary>
    public static string Tag(this BackendType type) => type switch
    {
        BackendType.Local => "local",
        BackendType.Static => "static",
        BackendType.Vault => "vault",
        BackendType.VaultTransit => "vault-transit",
        _ => "vault-kv2",
    };

    /// <summary>The name at the top of upstream's service-status.</summary>
    public static string UpstreamName(this BackendType type) => type switch
    {
        BackendType.Local => "Local",
        BackendType.Static => "Static",
        BackendType.VaultKv2 => "VaultKV2",
        _ => "VaultTransit",
    };

    public static bool IsVault(this BackendType type) => type >= BackendType.Vault;

    public static bool TryParse(string text, out BackendType type)
    {
        (bool known, type) = text switch
        {
            "local" or "Local" => (true, BackendType.Local),
            "static" or "Static" => (true, BackendType.Static),
            "vault" or "Vault" => (true, BackendType.Vault),
            "vault-transit" or "vault_transit" or "VaultTransit" => (true, BackendType.VaultTransit),
            "vault-kv2" or "vault_kv2" or "VaultKV2" => (true, BackendType.VaultKv2),
            _ => (false, default),
        };
        return known;
    }

    /// <summary>A name that RustFS knows, of a backend that this build does not have.</summary>
    public static bool IsKnownElsewhere(string text) => text is "AWS" or "AwsKms" or "aws" or "aws-kms" or "aws_kms";
}
