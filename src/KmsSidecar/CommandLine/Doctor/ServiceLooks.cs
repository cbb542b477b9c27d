using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What the running daemon says of itself, over its admin socket.</summary>
internal sealed class ServiceLooks(Findings findings, DaemonOptions options)
{
    private const string ShowStatus = "kms-sidecar status";

    /// <summary>Less than the shortest time in which a person can do something about it.</summary>
    private const long FewSeconds = 3600;

    /// <summary>It runs, or does not tell this user whether it does.</summary>
    public bool MayHaveKeys { get; private set; }

    /// <summary>Of a local backend; null for none.</summary>
    public string? KeyDirectory { get; private set; }

    public async Task RunAsync()
    {
        findings.Begin("service");
        if (options.AdminSocket is not { } admin)
        {
            MayHaveKeys = true;
            findings.Add(Finding.Skipped("state", "there is no admin socket to ask the daemon on", "give it one with --admin-socket"));
            return;
        }

        using DaemonClient daemon = Doors.OpenSocket(admin);
        JsonElement status = default;
        await findings.LookAsync("state", async cancellation =>
        {
            try
            {
                status = await daemon.GetAsync("status", cancellation);
                return JudgeState(status);
            }
            catch (CommandFault closed) when (closed.ExitCode == ExitCode.NoPermission)
            {
                MayHaveKeys = true;
                return Finding.Skipped("state", closed.Message, Findings.AsRoot);
            }
        });
        if (status.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        MayHaveKeys = status.Text("status") == "Running";
        KeyDirectory = status.Member("config_summary")?.Member("backend_summary")?.Text("key_dir");
        foreach (Finding? finding in (IEnumerable<Finding?>)[JudgeBackend(status), JudgeKeys(status), .. JudgeServer("vault", status), JudgeFollower(status), .. JudgeFormer(status)])
        {
            Add(finding);
        }

        await findings.LookAsync("audit", async cancellation =>
            JudgeAudit(MetricsReader.Read((await daemon.AskAsync(HttpMethod.Get, "/metrics", default, cancellation)).Body.Span)));
        if (MayHaveKeys)
        {
            await findings.LookAsync("default key", cancellation => LookAtDefaultKeyAsync(daemon, status.Text("default_key_id"), cancellation));
            await findings.LookAsync("preflight", async cancellation =>
            {
                await daemon.SendAsync(HttpMethod.Post, "reconfigure?dry_run=true", "{}"u8.ToArray(), cancellation);
                return Finding.Ok("preflight", "the backend has everything that the configuration needs");
            });
        }
    }

    private void Add(Finding? finding)
    {
        if (finding is not null)
        {
            findings.Add(finding);
        }
    }

    public static Finding JudgeState(JsonElement status)
    {
        string state = status.Text("status") ?? "unknown";
        string generation = string.Create(CultureInfo.InvariantCulture, $"generation {status.Number("generation")}");
        return state switch
        {
            "Running" => Finding.Ok("state", $"running, {status.Shown("backend_type")}, {generation}"),
            "NotConfigured" => Finding.Warning("state", "not configured: nobody gets a key", "kms-sidecar configure"),
            "Configured" => Finding.Warning("state", $"configured ({generation}) and stopped: nobody gets a key", "kms-sidecar start"),
            _ => Finding.Fault("state", $"{state}: {status.Shown("error") ?? "the daemon does not say why"}", "kms-sidecar start --force", ExitCode.Unavailable),
        };
    }

    public static Finding? JudgeBackend(JsonElement status) => status.Flag("healthy") switch
    {
        true => Finding.Ok("backend", "well"),
        false => Finding.FaultOf("backend", status.Shown("error") ?? "not well", ExitCode.Unavailable),
        null => null,
    };

    public static Finding? JudgeKeys(JsonElement status)
    {
        JsonElement[] unreadable = status.Items("unreadable_keys");
        return unreadable.Length == 0
            ? status.Number("key_count") is { } count ? Finding.Ok("keys", $"{count} in the backend") : null
            : Finding.Warning(
                "keys",
                $"{unreadable.Length} cannot be read, the first one is {unreadable[0].Shown("name")}: {unreadable[0].Shown("reason")}",
                "restore their files, or give the master key that they were made with");
    }

    /// <summary>Credentials and circuit breaker of a backend on a server.</summary>
    /// <param name="status">Of the service, or of one decrypt-only backend.</param>
    public static IEnumerable<Finding> JudgeServer(string name, JsonElement status)
    {
        if (status.Member("remote") is not { } remote)
        {
            yield break;
        }

        string? server = remote.Shown("server");
        long? left = remote.Number("token_seconds_left");
        string mend = $"look at the credentials for {server}; then: kms-sidecar reconfigure";
        yield return remote.Flag("authenticated") == false
            ? Finding.Fault($"{name} credentials", $"there are none that may be used: {remote.Shown("last_error")}", mend, ExitCode.Unavailable)
            : remote.Shown("last_error") is { } error ? Finding.Warning($"{name} credentials", $"they cannot be renewed: {error}", mend)
            : left < FewSeconds && remote.Flag("token_renewable") == false
                ? Finding.Warning($"{name} credentials", $"they end in {left} s, and cannot be renewed", mend)
            : Finding.Ok($"{name} credentials", left is null ? "they do not end" : $"good for {left} s, and renewed before");
        yield return remote.Shown("breaker") is "closed" or null
            ? Finding.Ok($"{name} server", $"{server} answers")
            : Finding.Fault($"{name} server", $"the circuit breaker is {remote.Shown("breaker")}: {server} did not answer the last calls", ShowStatus, ExitCode.Unavailable);
    }

    public static Finding? JudgeFollower(JsonElement status) => status.Member("rustfs") is not { } follower ? null
        : follower.Flag("followed") == true ? Finding.Ok("rustfs follows", $"RustFS at {follower.Shown("endpoint")} has the default key of the service")
        : Finding.Warning("rustfs follows", follower.Shown("last_error") ?? "RustFS has another default key, and is told the new one now", ShowStatus);

    /// <summary>Null where nothing is recorded.</summary>
    public static Finding? JudgeAudit(MetricsScrape metrics)
    {
        const string Name = "audit";
        const string Mend = "make room on the disk of the audit log; the daemon's log says what is wrong with it";
        return metrics.Value("kms_sidecar_audit_lag_seconds") is null ? null
            : metrics.Value("kms_sidecar_audit_failing") > 0 ? Finding.Fault(Name, "the audit log cannot be written", Mend, ExitCode.Disk)
            : metrics.Sum("kms_sidecar_audit_lost_total") is > 0 and { } lost ? Finding.Warning(Name, $"{lost} operations since the start of the daemon have no record", Mend)
            : Finding.Ok(Name, "operations are recorded");
    }

    private static IEnumerable<Finding> JudgeFormer(JsonElement status)
    {
        foreach (JsonElement former in status.Items("decrypt_only"))
        {
            string name = $"decrypt-only {former.Shown("name")}";
            yield return former.Shown("fault") is { } fault
                ? Finding.Warning(name, $"it cannot be opened, and neither can the objects of its keys: {fault}", $"make it reachable; {ShowStatus} shows its settings")
                : Finding.Ok(name, "open");
        }
    }

    private static async Task<Finding?> LookAtDefaultKeyAsync(DaemonClient daemon, string? id, CancellationToken cancellation)
    {
        const string Name = "default key";
        if (id is null)
        {
            return Finding.Warning(Name, "there is none: callers have to name a key", "kms-sidecar reconfigure default_key_id=KEY");
        }

        JsonElement key = await daemon.GetAsync($"keys/{Uri.EscapeDataString(id)}", cancellation);
        string? state = key.Member("key_metadata")?.Text("key_state");
        return state == "Enabled" ? Finding.Ok(Name, $"{id} is enabled")
            : Finding.Fault(
                Name,
                $"{id} is {state}: no object can be encrypted under it",
                state == "Disabled" ? $"kms-sidecar keys enable {id}" : $"kms-sidecar keys cancel-deletion {id}, or reconfigure default_key_id=OTHER-KEY",
                ExitCode.Refused);
    }
}
