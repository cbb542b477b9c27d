using System.Collections.Immutable;
using KmsSidecar.Backends;
using KmsSidecar.Backends.Local;
using KmsSidecar.Backends.Static;
using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>Opens backends: the one place that knows which kinds there are.</summary>
/// <param name="masterKey">The password of key directories whose configuration brings none; stays the caller's.</param>
/// <param name="derivedKeys">Spares the derivation of a key directory that was open before.</param>
/// <param name="staticKeyFile">Null when the node has none.</param>
internal sealed class BackendFactory(
    SecretBytes masterKey,
    DerivedKeys derivedKeys,
    string? staticKeyFile,
    IFileSteps steps,
    DirectoryLocks locks,
    TimeProvider clock,
    ILoggerFactory logs) : IAsyncDisposable
{
    private const int MaxStaticKeyFileBytes = 4096;

    private readonly BackendReports _reports = ReportsTo(logs);
    private readonly VaultFactory _vaults = new(ReportsTo(logs), clock, logs);

    public ValueTask<IKeyBackend> OpenAsync(ConfigurationDocument document, OpenMode mode, CancellationToken cancellation) => document.Backend switch
    {
        BackendType.Local => new ValueTask<IKeyBackend>(OpenLocal(document, mode)),
        BackendType.Static => new ValueTask<IKeyBackend>(OpenStatic()),
        _ => _vaults.OpenAsync(document, mode, cancellation),
    };

    /// <summary>After the last backend.</summary>
    public ValueTask DisposeAsync() => _vaults.DisposeAsync();

    /// <inheritdoc cref="SecretIdUnwrapper"/>
    public ValueTask<SecretBytes> UnwrapAsync(ConfigurationDocument document, CancellationToken cancellation) =>
        _vaults.UnwrapAsync(document, cancellation);

    /// <summary>What opening would make first: only a key directory is made.</summary>
    public static ImmutableArray<string> DescribeMissing(ConfigurationDocument document) => document.Backend == BackendType.Local
        ? LocalBackend.DescribeMissing(KmsConfiguration.From(document).KeyDirectory!)
        : [];

    private static BackendReports ReportsTo(ILoggerFactory logs)
    {
        ILogger log = logs.CreateLogger("rustfs::kms::backend");
        return new BackendReports(
            key => LifecycleLog.KeyUnreadable(log, key.Name, key.Reason), notice => LifecycleLog.BackendNotice(log, notice));
    }

    private LocalBackend OpenLocal(ConfigurationDocument document, OpenMode mode)
    {
        KmsConfiguration configuration = KmsConfiguration.From(document);
        LocalBackendSettings settings = new(
            configuration.KeyDirectory!, configuration.FilePermissions ?? KmsConfiguration.DefaultFilePermissions)
        {
            Derive = (password, salt) =>
                derivedKeys.GetOrDerive(password, salt, MasterKeyDerivation.Argon2Id, mayKeep: mode != OpenMode.Inspect),
        };
        return LocalBackend.Open(
            settings, mode, document.Secret(ConfigurationField.MasterKey) ?? masterKey, steps, locks, _reports, clock);
    }

    private StaticBackend OpenStatic()
    {
        if (staticKeyFile is null)
        {
            throw new KmsException(
                KmsError.InvalidConfiguration, "the static backend needs its key: give --static-key-file FILE, or the systemd credential static-key");
        }

        return new StaticBackend(ReadStaticKey(staticKeyFile), clock);
    }

    /// <returns>The caller's to dispose.</returns>
    /// <exception cref="KmsException">The file cannot be used.</exception>
    public static StaticKey ReadStaticKey(string file)
    {
        byte[] content = BoundedFile.TryRead(
            file, MaxStaticKeyFileBytes, followSymbolicLinks: true, status => SecretPermissions.FindFault("the static key file", file, status))
            ?? throw new KmsException(KmsError.StorageFailed, FaultCause.Missing, $"the static key file {file} does not exist");
        try
        {
            return StaticKey.Parse(content);
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(content);
        }
    }
}
