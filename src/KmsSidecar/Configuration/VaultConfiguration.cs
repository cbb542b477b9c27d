using System.Net;
using KmsSidecar.Errors;

namespace KmsSidecar.Configuration;

/// <summary>What a backend in Vault or OpenBao needs to be reached, and where its keys are. Holds no secret.</summary>
internal sealed record VaultConfiguration
{
    public const string DefaultTransitMount = "transit";
    public const string DefaultKeyValueMount = "secret";
    public const string DefaultKeyPrefix = "rustfs/kms/keys";
    public const string DefaultMetadataPrefix = "rustfs/kms/transit-metadata";

    /// <summary>As it was given; scheme, host and port only.</summary>
    public required string Address { get; init; }

    public string? Namespace { get; init; }

    public required string AuthMethodType { get; init; }

    /// <summary>A token or secret id is in the configuration itself.</summary>
    public bool HasStoredCredentials { get; init; }

    /// <summary>Null where the keys themselves are in KV v2.</summary>
    public string? TransitMount { get; init; }

    /// <summary>KV v2, with the keys' records.</summary>
    public required string KeyValueMount { get; init; }

    public required string KeyPrefix { get; init; }

    public bool SkipTlsVerify { get; init; }

    public string? CaCertPath { get; init; }

    public string? ClientCertPath { get; init; }

    public string? ClientKeyPath { get; init; }

    /// <exception cref="KmsException">InvalidConfiguration; the message names the field.</exception>
    public static VaultConfiguration From(ConfigurationDocument document)
    {
        bool isTransit = document.Backend == BackendType.VaultTransit;
        VaultConfiguration vault = new()
        {
            Address = document.Text(ConfigurationField.Address) ?? throw Missing("address", "the URL of Vault, for example https://vault.example.com:8200"),
            Namespace = document.Text(ConfigurationField.Namespace),
            AuthMethodType = document.AuthMethod?.TypeName
                ?? throw Missing("auth_method", """for example {"approle":{"role_id":"…","secret_id":"…"}}"""),
            HasStoredCredentials = document.AuthMethod.Secret is not null,
            TransitMount = document.Backend == BackendType.VaultKv2
                ? null
                : Mount(document, ConfigurationField.MountPath) ?? DefaultTransitMount,
            KeyValueMount = Mount(document, isTransit ? ConfigurationField.MetadataKvMount : ConfigurationField.KvMount) ?? DefaultKeyValueMount,
            KeyPrefix = isTransit
                ? Mount(document, ConfigurationField.MetadataKeyPrefix) ?? DefaultMetadataPrefix
                : Mount(document, ConfigurationField.KeyPathPrefix) ?? DefaultKeyPrefix,
            SkipTlsVerify = document.Flag(ConfigurationField.SkipTlsVerify) ?? false,
            CaCertPath = AbsolutePath(document, ConfigurationField.CaCertPath),
            ClientCertPath = AbsolutePath(document, ConfigurationField.ClientCertPath),
            ClientKeyPath = AbsolutePath(document, ConfigurationField.ClientKeyPath),
        };
        vault.Check(document.Flag(ConfigurationField.AllowInsecureDevDefaults) ?? false);
        return vault;
    }

    private void Check(bool allowInsecure)
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out Uri? address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
        {
            throw Invalid("address must be a URL that begins with https:// or http://");
        }

        if (address.UserInfo.Length > 0 || address.PathAndQuery != "/" || address.Fragment.Length > 0)
        {
            throw Invalid("address is scheme, host and port alone: credentials go into auth_method, the namespace into namespace");
        }

        if (!allowInsecure && address.Scheme == Uri.UriSchemeHttp && !IsLoopback(address))
        {
            throw Invalid("address must begin with https:// outside this machine: data keys and tokens travel there; allow_insecure_dev_defaults is for development only");
        }

        if (!allowInsecure && SkipTlsVerify)
        {
            throw Invalid("skip_tls_verify lets anyone pose as Vault: name the authority in ca_cert_path instead; allow_insecure_dev_defaults is for development only");
        }

        if ((ClientCertPath is null) != (ClientKeyPath is null))
        {
            throw Invalid("client_cert_path and client_key_path belong together");
        }

        if (Namespace is not null && !PathText.IsMount(Namespace.Trim('/')))
        {
            throw Invalid("namespace is a path like team or team/storage");
        }
    }

    private static bool IsLoopback(Uri address) =>
        address.IsLoopback || (IPAddress.TryParse(address.DnsSafeHost, out IPAddress? ip) && IPAddress.IsLoopback(ip));

    private static string? Mount(ConfigurationDocument document, ConfigurationField field) =>
        document.Text(field) is not { } text ? null
        : PathText.IsMount(text) ? text
        : throw Invalid($"{field.Name} is a path like transit or teams/storage: letters, digits, '.', '_' and '-' between single slashes");

    private static string? AbsolutePath(ConfigurationDocument document, ConfigurationField field) =>
        document.Text(field) is not { } path ? null
        : Path.IsPathFullyQualified(path) ? path
        : throw Invalid($"{field.Name} must be an absolute path");

    private static KmsException Missing(string field, string example) => Invalid($"{field} is missing: {example}");

    private static KmsException Invalid(string message) => new(KmsError.InvalidConfiguration, message);
}
