using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Sharing;

namespace KmsSidecar.Api;

/// <summary>What the active backend says of its cache and its server, read when metrics are asked for. Where RustFS has a name for the same
/// thing, that is the name.</summary>
internal sealed class BackendMetrics(KmsService service)
{
    public void AddTo(Metrics metrics)
    {
        Add("rustfs_kms_vault_token_ttl_seconds", "gauge", "Time left to the token; absent where it has no end.", static remote => Of(remote.SecondsLeft));
        Add("rustfs_kms_vault_credentials_fail_closed", "gauge", "1 while there is no token that may be used.", static remote => Of(!remote.Authenticated));
        Add("rustfs_kms_backend_circuit_open", "gauge", "1 while calls are not sent because the last ones failed.", static remote => Of(remote.Breaker == "open"));
        Add("rustfs_kms_backend_in_flight", "gauge", "Calls under way.", static remote => Of(remote.InFlight));
        Add("kms_sidecar_backend_queued", "gauge", "Calls that wait for others to end.", static remote => Of(remote.Queued));
        Add("kms_sidecar_backend_log_ins_total", "counter", "Tokens had since the backend was opened.", static remote => Of(remote.LogIns));
        Add("kms_sidecar_backend_requests_total", "counter", "Requests sent to the server, repeated ones too.", static remote => Of(remote.Requests));
        Add("kms_sidecar_backend_retries_total", "counter", "Requests that repeated another.", static remote => Of(remote.Retries));
        Add(
            "rustfs_kms_backend_attempt_failures_total",
            "counter",
            "Requests that came to nothing and calls that were not sent, by what was the matter.",
            static remote => remote.Failures.Select(static failure => new Metrics.Sample($"{{error_class=\"{failure.Name}\"}}", failure.Count)));

        AddCache("kms_sidecar_cache_hits_total", "counter", "Keys and opened data keys found in this process.", static cache => cache.Hits);
        AddCache("kms_sidecar_cache_misses_total", "counter", "Keys and opened data keys asked of the backend.", static cache => cache.Misses);
        AddCache("kms_sidecar_cache_evictions_total", "counter", "Entries that made room for others.", static cache => cache.Evictions);
        AddCache("kms_sidecar_cache_entries", "gauge", "Entries kept.", static cache => cache.Entries);

        void Add(string family, string type, string help, Func<RemoteStatus, IEnumerable<Metrics.Sample>> read) =>
            metrics.AddFamily(family, type, help, () => Active(static backend => backend.Remote) is { } remote ? read(remote) : []);

        void AddCache(string family, string type, string help, Func<CacheCounts, double> read) =>
            metrics.AddFamily(
                family, type, help, () => Active(static backend => (object?)backend.CacheCounts) is CacheCounts cache ? [new("", read(cache))] : []);
    }

    private static IEnumerable<Metrics.Sample> Of(long? value) => value is { } number ? [new("", number)] : [];

    private static IEnumerable<Metrics.Sample> Of(bool value) => [new("", value ? 1 : 0)];

    private T? Active<T>(Func<IKeyBackend, T?> read)
        where T : class
    {
        using SnapshotLease lease = service.Acquire();
        return lease.Snapshot.IsRunning ? read(lease.Snapshot.Backends[0].Backend!) : null;
    }
}
