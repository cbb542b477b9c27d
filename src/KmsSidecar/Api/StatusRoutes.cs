using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.RustFs;
using KmsSidecar.Sharing;

namespace KmsSidecar.Api;

/// <summary>What the service is and how it is set: answered in every state.</summary>
/// <param name="follower">How RustFS follows; null when it does not.</param>
internal sealed class StatusRoutes(KmsService service, TimeProvider clock, Func<FollowerStatus>? follower = null)
{
    private static readonly string Version = typeof(StatusRoutes).Assembly.GetName().Version!.ToString(3);

    public async ValueTask<KmsError> StatusAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        Snapshot snapshot = lease.Snapshot;
        IKeyBackend? backend = snapshot.IsRunning ? snapshot.Backends[0].Backend : null;
        KmsException? sickness = backend is null ? null : await SicknessAsync(backend, call.Cancellation);
        StatusAnswer answer = new()
        {
            Status = snapshot.State.ToString(),
            Error = snapshot.Error ?? sickness?.Message,
            BackendType = snapshot.Configuration?.Backend.Tag(),
            BackendStatus = backend is null ? null : sickness is null ? "healthy" : "unhealthy",
            Healthy = backend is null ? null : sickness is null,
            CacheEnabled = snapshot.Configuration?.EnableCache,
            CacheStats = backend is not null && snapshot.Configuration!.EnableCache ? Summarise(backend.CacheCounts ?? default) : null,
            DefaultKeyId = DefaultKey.IdOf(snapshot),
            Capabilities = backend is null ? null : Capabilities.From(backend.Capabilities),
            ClusterConfig = snapshot.Document is null ? null : new ClusterConfig(true, [new ClusterNode("local", Fingerprint(snapshot.Document))]),
            ConfigSummary = Summarise(snapshot),
            Generation = snapshot.Generation,
            KeyCount = backend?.KeyCount,
            UncheckedKeyCount = backend?.UncheckedKeyCount,
            Remote = RemoteSummary.Of(backend?.Remote),
            UnreadableKeys = backend?.Unreadable ?? [],
            DecryptOnly = [.. snapshot.DecryptOnly.Select(entry => Summarise(entry, snapshot.MountOf(entry)))],
            RustFs = follower is null ? null : Summarise(follower(), DefaultKey.IdOf(snapshot)),
            StateSince = Rfc3339(service.StateSince)!,
            Version = Version,
        };
        call.Write(answer, AdminJson.Default.StatusAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> ServiceStatusAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        Snapshot snapshot = lease.Snapshot;
        bool? healthy = snapshot.IsRunning ? await SicknessAsync(snapshot.Backends[0].Backend!, call.Cancellation) is null : null;
        call.Write(
            new ServiceStatusAnswer(UpstreamState.Of(snapshot), snapshot.Configuration?.Backend.UpstreamName(), healthy, Summarise(snapshot)),
            AdminJson.Default.ServiceStatusAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> DataStatusAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        Snapshot snapshot = lease.Snapshot;
        bool? healthy = snapshot.IsRunning ? await SicknessAsync(snapshot.Backends[0].Backend!, call.Cancellation) is null : null;
        call.Write(
            new DataStatusAnswer(snapshot.State.ToString(), DefaultKey.IdOf(snapshot), snapshot.Generation, healthy, Version),
            AdminJson.Default.DataStatusAnswer);
        return KmsError.None;
    }

    public ValueTask<KmsError> ConfigAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        if (lease.Snapshot.Configuration is not { } configuration)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration yet");
        }

        call.Write(
            new ConfigAnswer(
                configuration.Backend.Tag(),
                configuration.EnableCache,
                configuration.MaxCachedKeys,
                (long)configuration.CacheTtl.TotalSeconds,
                DefaultKey.IdOf(lease.Snapshot)),
            AdminJson.Default.ConfigAnswer);
        return new ValueTask<KmsError>(KmsError.None);
    }

    /// <summary>Of every backend, former ones too. A local backend has no cache that could be stale: there is nothing to empty.</summary>
    public ValueTask<KmsError> ClearCacheAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        if (!lease.Snapshot.IsRunning)
        {
            return new ValueTask<KmsError>(KmsError.NotRunning);
        }

        foreach (MountedBackend mount in lease.Snapshot.Backends)
        {
            mount.Backend?.ClearCache();
        }

        call.Write(new ClearCacheAnswer("success", "cache cleared successfully"), AdminJson.Default.ClearCacheAnswer);
        return new ValueTask<KmsError>(KmsError.None);
    }

    private static async ValueTask<KmsException?> SicknessAsync(IKeyBackend backend, CancellationToken cancellation)
    {
        try
        {
            await backend.CheckHealthAsync(cancellation);
            return null;
        }
        catch (KmsException sick)
        {
            return sick;
        }
    }

    private static RustFsSummary Summarise(FollowerStatus rustFs, string? defaultKeyId) => new(
        rustFs.LastError is null && rustFs.DefaultKeyId is { } followed && followed == defaultKeyId,
        rustFs.DefaultKeyId,
        rustFs.LastError,
        rustFs.Endpoint);

    private static ConfigSummary? Summarise(Snapshot snapshot) => snapshot.Configuration is not { } configuration ? null : new ConfigSummary(
        configuration.Backend.UpstreamName(),
        DefaultKey.IdOf(snapshot),
        (long)configuration.Timeout.TotalSeconds,
        configuration.RetryAttempts,
        configuration.EnableCache,
        configuration.MaxCachedKeys,
        (long)configuration.CacheTtl.TotalSeconds,
        configuration.EnableCache
            ? new CacheSummary(configuration.MaxCachedKeys, (long)configuration.CacheTtl.TotalSeconds, EnableMetrics: true)
            : null,
        new BackendSummary(configuration, snapshot.IsRunning ? snapshot.Backends[0].Backend!.SoleKeyId : null));

    private DecryptOnlyBackend Summarise(DecryptOnlyEntry entry, MountedBackend? mount) => new(
        entry.Name,
        new BackendSummary(KmsConfiguration.From(entry.Document), mount?.Backend?.SoleKeyId),
        mount?.Backend?.KeyCount,
        Rfc3339(entry.Since)!,
        Rfc3339(entry.LastUsedAt(clock.GetUtcNow())),
        mount?.Fault?.Message,
        RemoteSummary.Of(mount?.Backend?.Remote));

    private static CacheStats Summarise(CacheCounts cache) => new(cache.Hits, cache.Misses, cache.Entries, cache.Evictions);

    internal static string? Rfc3339(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Tells two configurations apart without saying anything about their secrets, which count only as set or not.</summary>
    private static string Fingerprint(ConfigurationDocument document)
    {
        using SecretBuffer text = new();
        using (Utf8JsonWriter writer = JsonOutput.WriteTo(text))
        {
            document.WriteTo(writer, redacted: true);
        }

        return Convert.ToHexStringLower(SHA256.HashData(text.WrittenSpan));
    }
}
