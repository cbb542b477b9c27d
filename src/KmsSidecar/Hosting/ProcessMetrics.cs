using KmsSidecar.Observability;

namespace KmsSidecar.Hosting;

/// <summary>What every Prometheus client tells of its process, under the same names, and how the log fares.</summary>
internal static class ProcessMetrics
{
    private const string OpenFiles = "/proc/self/fd";

    public static void AddTo(Metrics metrics, LogProvider log, TimeProvider clock)
    {
        double started = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        metrics.AddGauge("process_start_time_seconds", "When the process started, in seconds since 1970.", () => started);
        metrics.AddCounter("process_cpu_seconds_total", "Processor time spent, of all threads.", static () => Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.AddGauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", static () => Environment.WorkingSet);
        metrics.AddGauge("process_open_fds", "Open file descriptors.", static () => Directory.GetFileSystemEntries(OpenFiles).Length);
        metrics.AddGauge("process_max_fds", "Most file descriptors that may be open.", static () => ResourceLimit.SoftOf(ResourceLimit.OpenFiles));
        metrics.Add("dotnet_gc_collections_total", MetricType.Counter, "Garbage collections, by generation.", static text =>
        {
            text.Add(GC.CollectionCount(0), "generation=\"0\"");
            text.Add(GC.CollectionCount(1), "generation=\"1\"");
            text.Add(GC.CollectionCount(2), "generation=\"2\"");
        });
        metrics.AddCounter("dotnet_gc_pause_seconds_total", "Time for which garbage collections stood everything still.", static () => GC.GetTotalPauseDuration().TotalSeconds);

        metrics.Add("kms_sidecar_log_events_total", MetricType.Counter, "Events logged, by level.", text =>
        {
            text.Add(log.CountOf(LogLevel.Information), "level=\"info\"");
            text.Add(log.CountOf(LogLevel.Warning), "level=\"warning\"");
            text.Add(log.CountOf(LogLevel.Error), "level=\"error\"");
            text.Add(log.CountOf(LogLevel.Critical), "level=\"critical\"");
        });
        metrics.AddCounter("kms_sidecar_log_events_lost_total", "Events that came faster than they could be written.", () => log.LostCount);
    }
}
