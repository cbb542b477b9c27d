using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Top;

/// <summary>Everything but the requests: a line each for what the daemon tells, and none for what it does not.</summary>
internal sealed class TopFacts(MetricsScrape now, TopModel model)
{
    private const double Soon = 7 * 24 * 3600;
    private const double VerySoon = 300;

    public IEnumerable<Fact> Read() => ((Fact?[])[Backend(), Cache(), Keys(), Former(), Ends(), Audit(), Process(), Log()]).OfType<Fact>();

    /// <summary>Null for one that keeps its keys on this node.</summary>
    private Fact? Backend()
    {
        if (now.Of("rustfs_kms_backend_circuit_open").FirstOrDefault() is not { } breaker)
        {
            return null;
        }

        bool isOpen = now.Sum("rustfs_kms_backend_circuit_open") > 0;
        bool isLocked = now.Sum("rustfs_kms_vault_credentials_fail_closed") > 0;
        string shared = now.Sum("kms_sidecar_backend_shared_calls_total") is > 0 and { } calls
            ? $", {Quantity.Rate((now.Sum("kms_sidecar_backend_shared_items_total") ?? 0) / calls)} callers a shared call"
            : "";
        return new Fact(
            "backend",
            $"{breaker.Label("backend")}, {(isLocked ? "NO CREDENTIALS, " : "")}breaker {(isOpen ? "OPEN" : "closed")}, {Number("rustfs_kms_backend_in_flight")} in flight, {Number("kms_sidecar_backend_queued")} queued, "
            + $"{Rate("kms_sidecar_backend_requests_total")} calls/s, {Rate("kms_sidecar_backend_retries_total")} retries/s, {Rate("rustfs_kms_backend_attempt_failures_total")} failures/s{shared}",
            isOpen || isLocked);
    }

    private Fact? Cache()
    {
        if (now.Sum("kms_sidecar_cache_entries") is not { } entries)
        {
            return null;
        }

        double hits = model.RateOf("kms_sidecar_cache_hits_total"), misses = model.RateOf("kms_sidecar_cache_misses_total");
        string share = hits + misses > 0 ? $"{Quantity.Percent(hits / (hits + misses))} hits, " : "";
        return new Fact("cache", $"{share}{Quantity.Rate(hits)} hits/s, {Quantity.Rate(misses)} misses/s, {Quantity.Count(entries)} entries, {Rate("kms_sidecar_cache_evictions_total")} evictions/s");
    }

    private Fact? Keys()
    {
        double unreadable = now.Sum("kms_sidecar_unreadable_keys") ?? 0;
        string[] states = [.. now.Of("kms_sidecar_keys").Where(static keys => keys.Value > 0).Select(static keys => $"{Quantity.Count(keys.Value)} {keys.Label("state")}")];
        string text = string.Join(", ", unreadable > 0 ? [.. states, $"{unreadable} UNREADABLE"] : states);
        return text.Length == 0 ? null : new Fact("keys", text, unreadable > 0);
    }

    private Fact? Former()
    {
        MetricSample[] opened = [.. now.Of("kms_sidecar_decrypt_only_opened_total")];
        if (now.Value("kms_sidecar_decrypt_only_backends") is not > 0)
        {
            return null;
        }

        MetricSample[] away = [.. now.Of("kms_sidecar_decrypt_only_up").Where(static former => former.Value == 0)];
        IEnumerable<string> names = opened.Select(former =>
            $"{former.Label("former_backend")} {Quantity.Rate(model.RateOf(former))}/s{(away.Any(one => one.Label("former_backend") == former.Label("former_backend")) ? " AWAY" : "")}");
        return new Fact("decrypt-only", string.Join(", ", names), away.Length > 0);
    }

    private Fact? Ends()
    {
        double? token = now.Value("rustfs_kms_vault_token_ttl_seconds");
        double? certificate = now.Value("kms_sidecar_tls_certificate_not_after_timestamp_seconds") - TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        List<string> ends = [];
        if (token is { } left)
        {
            ends.Add($"credentials in {Quantity.Span(left)}");
        }

        if (certificate is { } valid)
        {
            ends.Add($"certificate in {Quantity.Span(valid)}");
        }

        return ends.Count == 0 ? null : new Fact("ends", string.Join(", ", ends), token < VerySoon || certificate < Soon);
    }

    /// <summary>Null where nothing is recorded.</summary>
    private Fact? Audit() => now.Value("kms_sidecar_audit_lag_seconds") is { } lag
        ? new Fact(
            "audit",
            $"{Rate("kms_sidecar_audit_records_total")} records/s, {Quantity.Latency(lag)} behind, {Number("kms_sidecar_audit_queue_records")} waiting, {Number("kms_sidecar_audit_lost_total")} lost",
            now.Sum("kms_sidecar_audit_failing") > 0 || model.RateOf("kms_sidecar_audit_lost_total") > 0)
        : null;

    private Fact? Process() => now.Value("process_resident_memory_bytes") is { } memory
        ? new Fact(
            "process",
            $"cpu {Quantity.Percent(model.RateOf("process_cpu_seconds_total"))}, memory {Quantity.Bytes(memory)}, {Number("process_open_fds")} open files, {Quantity.Latency(model.RateOf("dotnet_gc_pause_seconds_total"))} of a second in collections")
        : null;

    private Fact? Log()
    {
        double lost = model.RateOf("kms_sidecar_log_events_lost_total");
        double errors = 0;
        foreach (MetricSample events in now.Of("kms_sidecar_log_events_total").Where(static events => events.Label("level") is "error" or "critical"))
        {
            errors += model.RateOf(events);
        }

        return now.Sum("kms_sidecar_log_events_total") is null
            ? null
            : new Fact("log", $"{Rate("kms_sidecar_log_events_total")} events/s, {Quantity.Rate(errors)} errors/s, {Quantity.Rate(lost)} lost/s", errors > 0 || lost > 0);
    }

    private string Number(string name) => Quantity.Count(now.Sum(name) ?? 0);

    private string Rate(string name) => Quantity.Rate(model.RateOf(name));
}
