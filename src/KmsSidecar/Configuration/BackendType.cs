namespace KmsSidecar.Configuration;

/// <summary>Where keys live.</summary>
internal enum BackendType
{
    Local,
    Static,
}

internal static class BackendTypes
{
    /// <summary>The kebab-case name: <c>/kms/status</c>, summaries, stored configurations.</summary>
    public static string Tag(this BackendType type) => type == BackendType.Local ? "local" : "static";

    /// <summary>The name at the top of upstream's service-status.</summary>
    public static string UpstreamName(this BackendType type) => type == BackendType.Local ? "Local" : "Static";

    public static bool TryParse(string text, out BackendType type)
    {
        (bool known, type) = text switch
        {
            "local" or "Local" => (true, BackendType.Local),
            "static" or "Static" => (true, BackendType.Static),
            _ => (false, default),
        };
        return known;
    }

    /// <summary>A name that RustFS and the playbook know, of a backend that this build does not have.</summary>
    public static bool IsKnownElsewhere(string text) => text is
        "vault" or "Vault" or "VaultKV2" or "vault-kv2" or "vault_kv2" or
        "VaultTransit" or "vault-transit" or "vault_transit" or
        "AWS" or "AwsKms" or "aws" or "aws-kms" or "aws_kms";
}
