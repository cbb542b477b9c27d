using System.Collections.Immutable;

namespace KmsSidecar.Configuration;

internal enum FieldKind
{
    Text,
    Flag,
    Number,

    /// <summary>Text that is never shown, logged or compared in the open.</summary>
    Secret,
}

/// <summary>What a change of a field asks of the backend. Ordered: each includes those before it.</summary>
internal enum BackendEffect
{
    None,

    /// <summary>The same keys, opened anew.</summary>
    Reopen,

    /// <summary>Other keys: the former backend is needed for what it wrapped.</summary>
    OtherKeys,
}

/// <summary>One field that a configuration may set: the schema as data, from which reading, merging, storing and comparing follow.</summary>
/// <param name="Backend">The backend it belongs to; null for all.</param>
/// <param name="Min">Smallest number, or shortest text.</param>
/// <param name="Max">Largest number, or longest text.</param>
internal sealed record ConfigurationField(string Name, FieldKind Kind, BackendType? Backend, BackendEffect Effect, long Min, long Max)
{
    public static readonly ConfigurationField DefaultKeyId = Common("default_key_id", FieldKind.Text, 1, 1024);

    /// <summary>Seconds for one attempt at a backend; RustFS clamps at 300.</summary>
    public static readonly ConfigurationField TimeoutSeconds = Common("timeout_seconds", FieldKind.Number, 1, 300);

    /// <summary>Attempts in all; RustFS clamps at 10.</summary>
    public static readonly ConfigurationField RetryAttempts = Common("retry_attempts", FieldKind.Number, 1, 10);

    public static readonly ConfigurationField EnableCache = Common("enable_cache", FieldKind.Flag, 0, 0);

    public static readonly ConfigurationField MaxCachedKeys = Common("max_cached_keys", FieldKind.Number, 1, 1_000_000);

    /// <summary>RustFS clamps at one day.</summary>
    public static readonly ConfigurationField CacheTtlSeconds = Common("cache_ttl_seconds", FieldKind.Number, 1, 86_400);

    /// <summary><c>bound</c> or <c>rustfs</c>: how new data keys are wrapped. Both always open.</summary>
    public static readonly ConfigurationField EnvelopeForm = Common("envelope_form", FieldKind.Text, 1, 16);

    /// <summary>Taken because RustFS's clients send it; nothing here is less safe with it.</summary>
    public static readonly ConfigurationField AllowInsecureDevDefaults = Common("allow_insecure_dev_defaults", FieldKind.Flag, 0, 0);

    /// <summary>Days for which a decrypt-only backend must have opened nothing before it may be dropped without force.</summary>
    public static readonly ConfigurationField DecryptOnlyGraceDays = Common("decrypt_only_grace_days", FieldKind.Number, 0, 3650);

    public static readonly ConfigurationField KeyDir = Local("key_dir", FieldKind.Text, BackendEffect.OtherKeys, 1, 4096);

    /// <summary>Password of the key directory; without it the node's master key serves.</summary>
    public static readonly ConfigurationField MasterKey = Local("master_key", FieldKind.Secret, BackendEffect.OtherKeys, 1, 1024);

    /// <summary>Mode of key files as a decimal number, as RustFS takes it: 384 is 0600.</summary>
    public static readonly ConfigurationField FilePermissions = Local("file_permissions", FieldKind.Number, BackendEffect.Reopen, 0, 511);

    public static readonly ImmutableArray<ConfigurationField> All =
    [
        DefaultKeyId, TimeoutSeconds, RetryAttempts, EnableCache, MaxCachedKeys, CacheTtlSeconds, EnvelopeForm, AllowInsecureDevDefaults,
        DecryptOnlyGraceDays,
        KeyDir, MasterKey, FilePermissions,
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

    public bool AppliesTo(BackendType backend) => Backend is null || Backend == backend;

    private static ConfigurationField Common(string name, FieldKind kind, long min, long max) =>
        new(name, kind, Backend: null, BackendEffect.None, min, max);

    private static ConfigurationField Local(string name, FieldKind kind, BackendEffect effect, long min, long max) =>
        new(name, kind, BackendType.Local, effect, min, max);
}
