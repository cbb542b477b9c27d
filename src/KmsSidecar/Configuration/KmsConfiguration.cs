using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Configuration;

/// <summary>A configuration in effect: every field has a value. Holds no secret.</summary>
/// <remarks>Defaults are RustFS's (its configure request), so that the same body means the same here.</remarks>
internal sealed record KmsConfiguration
{
    /// <summary>The mode that RustFS gives key files.</summary>
    public const UnixFileMode DefaultFilePermissions = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public required BackendType Backend { get; init; }

    public string? DefaultKeyId { get; init; }

    public TimeSpan Timeout { get; init; }

    public int RetryAttempts { get; init; }

    public bool EnableCache { get; init; }

    public int MaxCachedKeys { get; init; }

    public TimeSpan CacheTtl { get; init; }

    public EnvelopeForm EnvelopeForm { get; init; }

    /// <summary>How long a decrypt-only backend must have been idle before it may be dropped without force.</summary>
    public TimeSpan DecryptOnlyGrace { get; init; }

    /// <summary>Absolute; only for <see cref="BackendType.Local"/>.</summary>
    public string? KeyDirectory { get; init; }

    public bool HasMasterKey { get; init; }

    /// <summary>Null when not set.</summary>
    public UnixFileMode? FilePermissions { get; init; }

    /// <summary>Only for the backends in Vault.</summary>
    public VaultConfiguration? Vault { get; init; }

    /// <summary>Names the backend for people, in logs and messages.</summary>
    public string Summary => (KeyDirectory ?? Vault?.Address) is { } place ? $"{Backend.Tag()} {place}" : Backend.Tag();

    /// <summary>Checks what can be checked without touching the backend.</summary>
    /// <exception cref="KmsException">InvalidConfiguration; the message names the field.</exception>
    public static KmsConfiguration From(ConfigurationDocument document)
    {
        KmsConfiguration configuration = new()
        {
            Backend = document.Backend,
            DefaultKeyId = document.Text(ConfigurationField.DefaultKeyId),
            Timeout = TimeSpan.FromSeconds(document.Number(ConfigurationField.TimeoutSeconds) ?? 30),
            RetryAttempts = (int)(document.Number(ConfigurationField.RetryAttempts) ?? 3),
            EnableCache = document.Flag(ConfigurationField.EnableCache) ?? true,
            MaxCachedKeys = (int)(document.Number(ConfigurationField.MaxCachedKeys) ?? 1000),
            CacheTtl = TimeSpan.FromSeconds(document.Number(ConfigurationField.CacheTtlSeconds) ?? 300),
            EnvelopeForm = ParseForm(document.Text(ConfigurationField.EnvelopeForm)),
            DecryptOnlyGrace = TimeSpan.FromDays(document.Number(ConfigurationField.DecryptOnlyGraceDays) ?? 30),
            KeyDirectory = document.Text(ConfigurationField.KeyDir),
            HasMasterKey = document.Secret(ConfigurationField.MasterKey) is not null,
            FilePermissions = (UnixFileMode?)document.Number(ConfigurationField.FilePermissions),
            Vault = document.Backend.IsVault() ? VaultConfiguration.From(document) : null,
        };

        if (configuration.Backend == BackendType.Local)
        {
            CheckLocal(configuration);
        }

        return configuration;
    }

    private static EnvelopeForm ParseForm(string? text) => text switch
    {
        null or "bound" => EnvelopeForm.Bound,
        "rustfs" => EnvelopeForm.RustFs,
        _ => throw Invalid("envelope_form is 'bound' or 'rustfs'"),
    };

    private static void CheckLocal(KmsConfiguration configuration)
    {
        if (configuration.KeyDirectory is null)
        {
            throw Invalid("key_dir is missing: the local backend needs the directory that holds its keys");
        }

        if (!Path.IsPathFullyQualified(configuration.KeyDirectory))
        {
            throw Invalid("key_dir must be an absolute path");
        }

        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (configuration.FilePermissions is { } mode && ((mode & ~Owner) != 0 || (mode & UnixFileMode.UserRead) == 0))
        {
            throw Invalid("file_permissions must be 384 (0600) or 256 (0400): key files belong to their owner alone");
        }
    }

    private static KmsException Invalid(string message) => new(KmsError.InvalidConfiguration, message);
}
