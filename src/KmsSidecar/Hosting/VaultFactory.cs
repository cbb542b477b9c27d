using System.Collections.Concurrent;
using KmsSidecar.Backends;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Vault;

namespace KmsSidecar.Hosting;

/// <summary>Opens the backends that are in Vault, each with a client of its own.</summary>
internal sealed class VaultFactory(BackendReports reports, TimeProvider clock, ILoggerFactory logs) : IAsyncDisposable
{
    /// <summary>A client takes some of it where its server does not answer.</summary>
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(5);

    private readonly UnwrappedSecret _unwrapped = new();

    /// <summary>Those that have not ended yet.</summary>
    private readonly ConcurrentDictionary<VaultClient, Task> _clients = [];

    public async ValueTask<IKeyBackend> OpenAsync(ConfigurationDocument document, OpenMode mode, CancellationToken cancellation)
    {
        KmsConfiguration configuration = KmsConfiguration.From(document);
        VaultClient client = await VaultClient.OpenAsync(SettingsOf(document, AuthOf(document.AuthMethod!)), clock, logs, cancellation);
        _clients[client] = ForgetAfterAsync(client);
        return configuration.Backend == BackendType.VaultKv2
            ? await Kv2Backend.OpenAsync(client, Kv2SettingsOf(configuration), mode, reports, clock, cancellation)
            : await TransitBackend.OpenAsync(client, TransitSettingsOf(configuration), mode, reports, clock, cancellation);
    }

    /// <inheritdoc cref="SecretIdUnwrapper"/>
    public ValueTask<SecretBytes> UnwrapAsync(ConfigurationDocument document, CancellationToken cancellation) => _unwrapped.GetAsync(
        document.AuthMethod!.Secret!.Span,
        () => VaultClient.UnwrapAsync(
            SettingsOf(document, new VaultAuth.Token(Copy(document.AuthMethod.Secret)!)), document.AuthMethod.Mount!, clock, logs, CancellationToken.None),
        cancellation);

    /// <summary>After the last backend. Waits until their clients have taken leave of their servers, tokens of our own being revoked.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_clients.Values).WaitAsync(LeavePatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _unwrapped.Dispose();
    }

    private async Task ForgetAfterAsync(VaultClient client)
    {
        await client.Ended;
        _clients.TryRemove(client, out _);
    }

    private static VaultSettings SettingsOf(ConfigurationDocument document, VaultAuth auth)
    {
        KmsConfiguration configuration = KmsConfiguration.From(document);
        VaultConfiguration vault = configuration.Vault!;
        return new VaultSettings
        {
            Address = new Uri(vault.Address),
            Auth = auth,
            Namespace = vault.Namespace,
            Tls = new VaultTls(vault.CaCertPath, vault.ClientCertPath, vault.ClientKeyPath, vault.SkipTlsVerify),
            Timeout = configuration.Timeout,
            Attempts = configuration.RetryAttempts,
            SafetyWindow = document.AuthMethod!.SafetyWindowSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        };
    }

    private static VaultAuth AuthOf(AuthMethod method) => method.Kind switch
    {
        AuthMethodKind.Token => new VaultAuth.Token(Copy(method.Secret)!),
        AuthMethodKind.AppRole => new VaultAuth.AppRole(method.Role!, Copy(method.Secret), method.File, method.Mount!),
        AuthMethodKind.Kubernetes => new VaultAuth.Kubernetes(method.Role!, method.File!, method.Mount!),
        _ => new VaultAuth.TokenFile(
            method.File!, method.PollSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : VaultAuth.TokenFile.DefaultPollInterval),
    };

    private static SecretBytes? Copy(SecretBytes? secret) => secret is null ? null : SecretBytes.CopyOf(secret.Span);

    private static Kv2Settings Kv2SettingsOf(KmsConfiguration configuration) => new(
        configuration.Vault!.KeyValueMount,
        configuration.Vault.KeyPrefix,
        configuration.EnableCache,
        configuration.MaxCachedKeys,
        configuration.CacheTtl);

    private static TransitSettings TransitSettingsOf(KmsConfiguration configuration) => new(
        configuration.Vault!.TransitMount!,
        configuration.Vault.KeyValueMount,
        configuration.Vault.KeyPrefix,
        configuration.EnableCache,
        configuration.MaxCachedKeys,
        configuration.CacheTtl,
        configuration.DefaultKeyId);
}
