using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Service;

/// <summary>A status for a person: the state, what is wrong and what to type, and then the rest.</summary>
/// <param name="history">Null where it may not be seen.</param>
internal sealed class StatusPage(JsonElement status, JsonElement? history)
{
    private readonly Table _rows = new();

    public void WriteTo(TextWriter output)
    {
        string since = status.Text("state_since") is { } time ? $" since {HumanTime.Dated(time)}" : "";
        output.WriteLine($"{Headline()}{since}  {Ink.Dim($"kms-sidecar {status.Shown("version")}, configuration {status.Shown("generation")}")}");
        foreach ((string problem, string? next) in StatusProblems.Of(status))
        {
            output.WriteLine($"{Ink.Bad("!")} {problem}");
            if (next is not null)
            {
                output.WriteLine($"  next: {next}");
            }
        }

        output.WriteLine();
        AddBackend();
        AddKeys();
        AddCache();
        AddFormerBackends();
        AddRustFs();
        AddLastChange();
        _rows.WriteTo(output);
    }

    private string Headline() => (status.Text("status"), status.Flag("healthy")) switch
    {
        ("Running", true) => Ink.Good("● running"),
        ("Running", _) => Ink.Bad("● running, backend unhealthy"),
        ("Configured", _) => Ink.Warning("○ stopped"),
        ("NotConfigured", _) => Ink.Warning("○ not configured"),
        (var state, _) => Ink.Bad($"● {state?.ToLowerInvariant()}"),
    };

    private void Add(string name, string? value)
    {
        if (value is not null)
        {
            _rows.Add(Ink.Bold(name), value);
        }
    }

    private void AddBackend()
    {
        JsonElement? summary = status.Member("config_summary")?.Member("backend_summary");
        string? where = summary is not { } backend ? null
            : backend.Shown("key_dir") ?? Join(" at ", backend.Shown("mount_path") ?? backend.Shown("kv_mount"), backend.Shown("address")) ?? backend.Shown("key_id");
        string? health = status.Flag("healthy") switch
        {
            true => Ink.Good("healthy"),
            false => Ink.Bad("unhealthy"),
            null => null,
        };
        Add("backend", Join(", ", Join(" in ", status.Shown("backend_type"), where), health));
        if (status.Member("remote") is { } remote)
        {
            Add("server", Join(", ", remote.Shown("server"), remote.Text("breaker") is "closed" or null ? null : Ink.Bad($"breaker {remote.Shown("breaker")}")));
            Add("credential", Join(", ", remote.Shown("auth_method"), Credential(remote)));
        }
    }

    private static string Credential(JsonElement remote) => remote switch
    {
        _ when remote.Flag("authenticated") == false => Ink.Bad("not logged in"),
        _ when remote.Number("token_seconds_left") is { } seconds =>
            $"ends {HumanTime.Of(TimeSpan.FromSeconds(seconds))}{(remote.Flag("token_renewable") == true ? ", renewed before" : "")}",
        _ => "does not end",
    };

    private void AddKeys()
    {
        Add("default key", status.Shown("default_key_id"));
        Add("keys", Join(", ", status.Shown("key_count"), Count(status.Items("unreadable_keys").Length, "unreadable")));
    }

    private void AddCache()
    {
        JsonElement? summary = status.Member("config_summary");
        if (summary?.Flag("enable_cache") is not { } isOn)
        {
            return;
        }

        string? limits = Join(" keys for ", summary.Value.Shown("max_cached_keys"), summary.Value.Number("cache_ttl_seconds") is { } seconds
            ? HumanTime.Length(TimeSpan.FromSeconds(seconds))
            : null);
        string? use = status.Member("cache_stats") is { } counts
            ? $"{counts.Shown("hit_count")} hits, {counts.Shown("miss_count")} misses, {counts.Shown("entry_count")} held"
            : null;
        Add("cache", isOn ? Join(": ", $"at most {limits}", use) : "off");
    }

    private void AddFormerBackends()
    {
        foreach (JsonElement backend in status.Items("decrypt_only"))
        {
            string used = backend.Text("last_used_at") is { } time ? $"last used {HumanTime.Of(time)}" : "not used since";
            Add("decrypt-only", $"{backend.Shown("name")}, {HumanTime.Of(backend.Text("decrypt_only_since"))}, {used}");
        }
    }

    private void AddRustFs()
    {
        if (status.Member("rustfs") is { } rustFs)
        {
            Add("rustfs", $"{rustFs.Shown("endpoint")}, {(rustFs.Flag("followed") == true ? Ink.Good("follows") : Ink.Bad("does not follow"))}");
        }
    }

    private void AddLastChange()
    {
        foreach (JsonElement entry in history?.Items("history") ?? [])
        {
            if (entry.Flag("current") == true)
            {
                Add("last change", $"{entry.Shown("action")} by {entry.Shown("by")} from {entry.Shown("from")}, {HumanTime.Dated(entry.Text("saved_at"))}");
            }
        }
    }

    private static string? Count(int count, string what) =>
        count == 0 ? null : Ink.Bad(string.Create(CultureInfo.InvariantCulture, $"{count} {what}"));

    /// <summary>Those that are there; null when none is.</summary>
    private static string? Join(string separator, params string?[] parts)
    {
        string?[] present = [.. parts.Where(static part => part is not null)];
        return present.Length == 0 ? null : string.Join(separator, present);
    }
}
