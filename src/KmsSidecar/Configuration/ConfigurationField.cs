using System.Collections.Immutable;

namespace KmsSidecar.Configuration;

internal enum FieldKind
{
    Text,
    Flag,
    Number,

    /// <summary>Text that is never shown, logged or compared in the open.</summary>
    Secret,

    /// <summary>How to log in to Vault (<see cref="Configuration.AuthMethod"/>), replaced as a whole. As secret as a <see cref="Secret"/>.</summary>
    AuthMethod,
}

/// <summary>One field that a configuration may set: the schema as data, from which reading, merging, storing and comparing follow.</summary>
/// <param name="Effects">The backends that take it, and what its change asks of each.</param>
/// <param name="Min">Smallest number, or shortest text.</param>
/// <param name="Max">Largest number, or longest text.</param>
internal sealed record ConfigurationField(string Name, FieldKind Kind, BackendEffects Effects, long Min, long Max)
{
    public static readonly ConfigurationField DefaultKeyId = Common("default_key_id", FieldKind.Text, 1, 1024);

    /// <summary>Seconds for one attempt at a backend; RustFS clamps at 300.</summary>
    public static readonly ConfigurationField TimeoutSeconds = Tuning("timeout_seconds", FieldKind.Number, 1, 300);

    /// <summary>Attempts in all; RustFS clamps at 10.</summary>
    public static readonly ConfigurationField RetryAttempts = Tuning("retry_attempts", FieldKind.Number, 1, 10);

    public static readonly ConfigurationField EnableCache = Tuning("enable_cache", FieldKind.Flag, 0, 0);

    public static readonly ConfigurationField MaxCachedKeys = Tuning("max_cached_keys", FieldKind.Number, 1, 1_000_000);

    /// <summary>RustFS clamps at one day.</summary>
    public static readonly ConfigurationField CacheTtlSeconds = Tuning("cache_ttl_seconds", FieldKind.Number, 1, 86_400);

    /// <summary><c>bound</c> or <c>rustfs</c>: how new data keys are wrapped. Both always open.</summary>
    public static readonly ConfigurationField EnvelopeForm = Common("envelope_form", FieldKind.Text, 1, 16);

    /// <summary>Lets Vault be spoken to without TLS over a network, or without a look at its certificate.</summary>
    public static readonly ConfigurationField AllowInsecureDevDefaults = Common("allow_insecure_dev_defaults", FieldKind.Flag, 0, 0);

    /// <summary>Days for which a decrypt-only backend must have opened nothing before it may be dropped without force.</summary>
    public static readonly ConfigurationField DecryptOnlyGraceDays = Common("decrypt_only_grace_days", FieldKind.Number, 0, 3650);

    public static readonly ConfigurationField KeyDir = Local("key_dir", FieldKind.Text, BackendEffect.OtherKeys, 1, 4096);

    /// <summary>Password of the key directory; without it the node's master key serves.</summary>
    public static readonly ConfigurationField MasterKey = Local("master_key", FieldKind.Secret, BackendEffect.OtherKeys, 1, 1024);

    /// <summary>Mode of key files as a decimal number, as RustFS takes it: 384 is 0600.</summary>
    public static readonly ConfigurationField FilePermissions = Local("file_permissions", FieldKind.Number, BackendEffect.Reopen, 0, 511);

    /// <summary>URL of Vault or OpenBao: scheme, host and port.</summary>
    public static readonly ConfigurationField Address = Vault("address", FieldKind.Text, BackendEffect.OtherKeys, 2048);

    public static readonly ConfigurationField AuthMethod = Vault("auth_method", FieldKind.AuthMethod, BackendEffect.Reopen, 0);

    public static readonly ConfigurationField Namespace = Vault("namespace", FieldKind.Text, BackendEffect.OtherKeys, 1024);

    public static readonly ConfigurationField SkipTlsVerify = Vault("skip_tls_verify", FieldKind.Flag, BackendEffect.Reopen, 0);

    /// <summary>PEM of the authorities that may have signed Vault's certificate; those of the system without it.</summary>
    public static readonly ConfigurationField CaCertPath = Vault("ca_cert_path", FieldKind.Text, BackendEffect.Reopen, 4096);

    public static readonly ConfigurationField ClientCertPath = Vault("client_cert_path", FieldKind.Text, BackendEffect.Reopen, 4096);

    public static readonly ConfigurationField ClientKeyPath = Vault("client_key_path", FieldKind.Text, BackendEffect.Reopen, 4096);

    /// <summary>Of the Transit engine. KV v2 takes it, as RustFS does, and has no use for it.</summary>
    public static readonly ConfigurationField MountPath = new("mount_path", FieldKind.Text, new BackendEffects
    {
        [BackendType.Vault] = BackendEffect.OtherKeys,
        [BackendType.VaultTransit] = BackendEffect.OtherKeys,
        [BackendType.VaultKv2] = BackendEffect.None,
    }, 1, 256);

    public static readonly ConfigurationField KvMount = KeyValue("kv_mount", 256);

    public static readonly ConfigurationField KeyPathPrefix = KeyValue("key_path_prefix", 1024);

    public static readonly ConfigurationField MetadataKvMount = Metadata("metadata_kv_mount", 256);

    public static readonly ConfigurationField MetadataKeyPrefix = Metadata("metadata_key_prefix", 1024);

    public static readonly ImmutableArray<ConfigurationField> All =
    [
        DefaultKeyId, TimeoutSeconds, RetryAttempts, EnableCache, MaxCachedKeys, CacheTtlSeconds, EnvelopeForm, AllowInsecureDevDefaults,
        DecryptOnlyGraceDays,
        KeyDir, MasterKey, FilePermissions,
        Address, AuthMethod, Namespace, SkipTlsVerify, CaCertPath, ClientCertPath, ClientKeyPath,
        MountPath, KvMount, KeyPathPrefix, MetadataKvMount, MetadataKeyPrefix,
    ];

    public static ConfigurationField? Find(string name)
    {
        foreach (ConfigurationField field in All)
        {
            if (field.Name == name)
            {
                return field;
            }
        }

        return null;
    }

    public bool AppliesTo(BackendType backend) => Effects[backend] is not null;

    /// <summary>None also where the backend does not take it.</summary>
    public BackendEffect EffectOn(BackendType backend) => Effects[backend] ?? BackendEffect.None;

    private static ConfigurationField Common(string name, FieldKind kind, long min, long max) =>
        new(name, kind, BackendEffects.OnAll(BackendEffect.None), min, max);

    /// <summary>What only a backend elsewhere is tuned by.</summary>
    private static ConfigurationField Tuning(string name, FieldKind kind, long min, long max) =>
        new(name, kind, BackendEffects.OnVault(BackendEffect.Reopen, others: BackendEffect.None), min, max);

    private static ConfigurationField Local(string name, FieldKind kind, BackendEffect effect, long min, long max) =>
        new(name, kind, new BackendEffects { [BackendType.Local] = effect }, min, max);

    private static ConfigurationField Vault(string name, FieldKind kind, BackendEffect effect, long max) =>
        new(name, kind, BackendEffects.OnVault(effect, others: null), 1, max);

    /// <summary>Of the playbook's backend it holds the metadata alone: what Transit has wrapped opens wherever that is.</summary>
    private static ConfigurationField KeyValue(string name, long max) => new(name, FieldKind.Text, new BackendEffects
    {
        [BackendType.Vault] = BackendEffect.Reopen,
        [BackendType.VaultKv2] = BackendEffect.OtherKeys,
    }, 1, max);

    private static ConfigurationField Metadata(string name, long max) =>
        new(name, FieldKind.Text, new BackendEffects { [BackendType.VaultTransit] = BackendEffect.Reopen }, 1, max);
}
