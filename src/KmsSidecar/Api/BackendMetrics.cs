using KmsSidecar.Configuration;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Sharing;

namespace KmsSidecar.Api;

/// <summary>What the active backend says of its caches and its server, read when metrics are asked for. Where RustFS has a name for the same
/// thing, that is the name.</summary>
internal sealed class BackendMetrics(KmsService service, Metrics metrics)
{
    public void Add()
    {
        AddServer();
        AddCalls();
        AddCaches();
    }

    private void AddServer()
    {
        AddRemote("rustfs_kms_vault_token_ttl_seconds", MetricType.Gauge, "Time left to the token; absent where it has no end.", static (text, remote, labels) =>
            text.AddIfKnown(remote.SecondsLeft, labels));
        AddRemote("rustfs_kms_vault_credentials_fail_closed", MetricType.Gauge, "1 while there is no token that may be used.", static (text, remote, labels) =>
            text.Add(remote.Authenticated ? 0 : 1, labels));
        AddRemote("kms_sidecar_backend_log_ins_total", MetricType.Counter, "Tokens had since the backend was opened.", static (text, remote, labels) =>
            text.Add(remote.LogIns, labels));
        AddRemote("rustfs_kms_backend_circuit_open", MetricType.Gauge, "1 while calls are not sent because the last ones failed, or one is sent to try.", static (text, remote, labels) =>
        {
            text.Add(remote.Breaker == "closed" ? 0 : 1, $"{labels},scope=\"operations\"");
            text.Add(remote.CredentialsBreaker == "closed" ? 0 : 1, $"{labels},scope=\"credentials\"");
        });
        AddRemote("kms_sidecar_backend_circuit_opened_total", MetricType.Counter, "How often calls began to be not sent.", static (text, remote, labels) =>
            text.Add(remote.Opened, labels));
    }

    private void AddCalls()
    {
        AddRemote("rustfs_kms_backend_in_flight", MetricType.Gauge, "Calls under way.", static (text, remote, labels) => text.Add(remote.InFlight, $"{labels},scope=\"operations\""));
        AddRemote("kms_sidecar_backend_queued", MetricType.Gauge, "Calls that wait for others to end.", static (text, remote, labels) => text.Add(remote.Queued, labels));
        AddRemote("kms_sidecar_backend_requests_total", MetricType.Counter, "Requests sent to the server, repeated ones too.", static (text, remote, labels) =>
            text.Add(remote.Requests, labels));
        AddRemote("kms_sidecar_backend_retries_total", MetricType.Counter, "Requests that repeated another.", static (text, remote, labels) => text.Add(remote.Retries, labels));
        AddRemote(
            "rustfs_kms_backend_attempt_failures_total",
            MetricType.Counter,
            "Requests that came to nothing and calls that were not sent, by what was the matter.",
            static (text, remote, labels) =>
            {
                foreach ((string name, long count) in remote.Failures)
                {
                    text.Add(count, $"{labels},error_class=\"{name}\"");
                }
            });
        AddCoalescing("kms_sidecar_backend_shared_calls_total", MetricType.Counter, "Calls that several callers shared.", static counts => counts.Calls);
        AddCoalescing("kms_sidecar_backend_shared_items_total", MetricType.Counter, "Callers that shared a call.", static counts => counts.Items);
        AddCoalescing("kms_sidecar_backend_sharing_waiters", MetricType.Gauge, "Callers that wait for a call to share.", static counts => counts.Waiting);
    }

    private void AddCaches()
    {
        AddCache("kms_sidecar_cache_hits_total", MetricType.Counter, "Keys and opened data keys found in this process.", static cache => cache.Hits);
        AddCache("kms_sidecar_cache_misses_total", MetricType.Counter, "Keys and opened data keys asked of the backend.", static cache => cache.Misses);
        AddCache("kms_sidecar_cache_evictions_total", MetricType.Counter, "Entries that made room for others.", static cache => cache.Evictions);
        AddCache("kms_sidecar_cache_entries", MetricType.Gauge, "Entries kept.", static cache => cache.Entries);
        AddMetadata("rustfs_kms_metadata_cache_lookups_total", MetricType.Counter, "Lookups of what is known of keys, by whether it was there.", static (text, cache) =>
        {
            text.Add(cache.Hits, "result=\"hit\"");
            text.Add(cache.Misses, "result=\"miss\"");
        });
        AddMetadata("rustfs_kms_metadata_cache_evictions_total", MetricType.Counter, "Of those, entries that made room for others.", static (text, cache) =>
            text.Add(cache.Evictions, "cause=\"size\""));
        AddMetadata("rustfs_kms_metadata_cache_entries", MetricType.Gauge, "Of those, entries kept.", static (text, cache) => text.Add(cache.Entries));
    }

    private void AddRemote(string name, MetricType type, string help, Action<MetricsText, RemoteStatus, string> write) => Add(name, type, help, (text, backend, labels) =>
    {
        if (backend.Remote is { } remote)
        {
            write(text, remote, labels);
        }
    });

    private void AddCoalescing(string name, MetricType type, string help, Func<CoalescingCounts, double> read) => Add(name, type, help, (text, backend, labels) =>
    {
        if (backend.Coalescing is { } counts)
        {
            text.Add(read(counts), labels);
        }
    });

    private void AddCache(string name, MetricType type, string help, Func<CacheCounts, double> read) => Add(name, type, help, (text, backend, labels) =>
    {
        if (backend.CacheCounts is { } cache)
        {
            text.Add(read(cache), labels);
        }
    });

    private void AddMetadata(string name, MetricType type, string help, Action<MetricsText, CacheCounts> write) => Add(name, type, help, (text, backend, _) =>
    {
        if (backend.MetadataCacheCounts is { } cache)
        {
            write(text, cache);
        }
    });

    /// <summary>Nothing while no backend is active.</summary>
    private void Add(string name, MetricType type, string help, Action<MetricsText, IKeyBackend, string> write) => metrics.Add(name, type, help, text =>
    {
        using SnapshotLease lease = service.Acquire();
        if (lease.Snapshot.IsRunning)
        {
            write(text, lease.Snapshot.Backends[0].Backend!, $"backend=\"{lease.Snapshot.Configuration!.Backend.Tag()}\"");
        }
    });
}
