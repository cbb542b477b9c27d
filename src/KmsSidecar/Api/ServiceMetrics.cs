using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>What the service is and how it is set, in numbers.</summary>
internal sealed class ServiceMetrics(KmsService service, TimeProvider clock)
{
    /// <summary>Every change of the backend leaves one more: those beyond are not told one by one.</summary>
    private const int MaxFormerBackends = 32;

    private static readonly string Version = typeof(ServiceMetrics).Assembly.GetName().Version!.ToString(3);

    private readonly long _started = clock.GetTimestamp();

    public void AddTo(Metrics metrics)
    {
        metrics.Add("kms_sidecar_build_info", MetricType.Gauge, "The running version.", static text => text.Add(1, $"version=\"{Version}\""));
        metrics.AddGauge("kms_sidecar_uptime_seconds", "Time since the process started, by a clock that nobody sets.", () => clock.GetElapsedTime(_started).TotalSeconds);
        metrics.Add("kms_sidecar_state", MetricType.Gauge, "1 for the state that the service is in.", text => Read(text, WriteState));
        metrics.Add(
            "kms_sidecar_configuration_generation", MetricType.Gauge, "Number of the configuration in effect; 0 for none.", text => Read(text, static (text, snapshot) => text.Add(snapshot.Generation)));
        metrics.Add("kms_sidecar_configuration_changes_total", MetricType.Counter, "Changes of the configuration and of the run state, by result.", service.Changes.Write);
        metrics.Add("kms_sidecar_keys", MetricType.Gauge, "Keys of the active backend by state, as far as that is known without asking.", text => Read(text, WriteKeys));
        metrics.Add(
            "kms_sidecar_unreadable_keys", MetricType.Gauge, "Keys of the active backend that are out of service.", text => Read(text, static (text, snapshot) => text.AddIfKnown(Active(snapshot)?.Unreadable.Length)));
        metrics.Add(
            "kms_sidecar_decrypt_only_backends", MetricType.Gauge, "Former backends that still open what they wrapped.", text => Read(text, static (text, snapshot) => text.Add(snapshot.DecryptOnly.Length)));
        AddFormer(metrics, "kms_sidecar_decrypt_only_up", MetricType.Gauge, "1 while the former backend is open.", static (snapshot, entry) =>
            snapshot.MountOf(entry) is { } mount ? mount.Backend is null ? 0 : 1 : null);
        AddFormer(metrics, "kms_sidecar_decrypt_only_opened_total", MetricType.Counter, "Envelopes that the former backend has opened since the process started.", static (_, entry) =>
            entry.Use.Count);
        AddFormer(metrics, "kms_sidecar_decrypt_only_last_use_timestamp_seconds", MetricType.Gauge, "When the former backend last opened an envelope, to the minute.", (_, entry) =>
            entry.LastUsedAt(clock.GetUtcNow())?.ToUnixTimeSeconds());
    }

    private void AddFormer(Metrics metrics, string name, MetricType type, string help, Func<Snapshot, DecryptOnlyEntry, double?> read) =>
        metrics.Add(name, type, help, text => Read(text, (text, snapshot) =>
        {
            foreach (DecryptOnlyEntry entry in snapshot.DecryptOnly.Take(MaxFormerBackends))
            {
                text.AddIfKnown(read(snapshot, entry), $"former_backend=\"{entry.Name}\"");
            }
        }));

    private void Read(MetricsText text, Action<MetricsText, Snapshot> write)
    {
        using SnapshotLease lease = service.Acquire();
        write(text, lease.Snapshot);
    }

    private static IKeyBackend? Active(Snapshot snapshot) => snapshot.IsRunning ? snapshot.Backends[0].Backend : null;

    private static void WriteState(MetricsText text, Snapshot snapshot)
    {
        string current = snapshot.State.ToString();
        foreach (string state in Enum.GetNames<ServiceState>())
        {
            text.Add(state == current ? 1 : 0, $"state=\"{state}\"");
        }
    }

    private static void WriteKeys(MetricsText text, Snapshot snapshot)
    {
        if (Active(snapshot)?.CountKeys() is { } counts)
        {
            text.Add(counts.Enabled, "state=\"enabled\"");
            text.Add(counts.Disabled, "state=\"disabled\"");
            text.Add(counts.PendingDeletion, "state=\"pending_deletion\"");
            text.Add(counts.Unknown, "state=\"unknown\"");
        }
    }
}
