using System.Text.Json;
using KmsSidecar.CommandLine.Service;
using Xunit;

namespace KmsSidecar.Tests.CommandLine;

public sealed class StatusPageTests
{
    [Theory]
    [InlineData("""{"status":"NotConfigured"}""", "there is no configuration yet", "kms-sidecar configure -f FILE")]
    [InlineData("""{"status":"Configured"}""", "not running", "kms-sidecar start")]
    [InlineData("""{"status":"Error","error":"no key directory"}""", "no key directory", "kms-sidecar reconfigure -f FILE")]
    [InlineData("""{"status":"Running","healthy":false,"error":"Vault is sealed"}""", "Vault is sealed", "kms-sidecar doctor")]
    [InlineData(
        """{"status":"Running","healthy":true,"decrypt_only":[{"name":"local-1","fault":"gone"}]}""", "local-1", "kms-sidecar start --force")]
    [InlineData(
        """{"status":"Running","healthy":true,"remote":{"server":"https://v","authenticated":true,"token_seconds_left":60,"token_renewable":false}}""",
        "ends in 60 s",
        "kms-sidecar reconfigure -f FILE")]
    public void WhatIsWrong_StandsOnTopWithTheNextCommand(string status, string problem, string next)
    {
        string[] lines = Page(status).Split('\n');

        Assert.StartsWith("! ", lines[1], StringComparison.Ordinal);
        Assert.Contains(problem, lines[1], StringComparison.Ordinal);
        Assert.Equal($"  next: {next}", lines[2]);
    }

    [Fact]
    public void AHealthyService_HasNoProblem_AndEveryPartOfIt()
    {
        string page = Page(
            """
            {"status":"Running","healthy":true,"state_since":"2026-01-31T12:00:00Z","version":"1.2.3","generation":7,"backend_type":"vault","default_key_id":"app","key_count":3,
             "cache_stats":{"hit_count":5,"miss_count":2,"entry_count":1},
             "config_summary":{"enable_cache":true,"max_cached_keys":1000,"cache_ttl_seconds":300,"backend_summary":{"mount_path":"transit","address":"https://v:8200"}},
             "remote":{"server":"https://v:8200","auth_method":"approle","authenticated":true,"token_seconds_left":7200,"token_renewable":true,"breaker":"closed"},
             "decrypt_only":[{"name":"local-1","decrypt_only_since":"2026-01-31T12:00:00Z","fault":null}],
             "rustfs":{"endpoint":"http://r:9000","followed":true}}
            """,
            """{"history":[{"current":true,"action":"configure","by":"boss","from":"127.0.0.1","saved_at":"2026-01-31T12:00:00Z"}]}""");

        Assert.DoesNotContain("!", page, StringComparison.Ordinal);
        Assert.All(
            (string[])
            [
                "running since 2026-01-31 12:00 UTC", "1.2.3, configuration 7", "vault in transit at https://v:8200, healthy", "app", "approle, ends in 2 hours, renewed before",
                "at most 1000 keys for 5 minutes: 5 hits, 2 misses, 1 held", "local-1", "not used since", "http://r:9000, follows", "configure by boss from 127.0.0.1",
            ],
            part => Assert.Contains(part, page, StringComparison.Ordinal));
    }

    [Fact]
    public void AnAnswerOfAnotherVersion_IsShownAsFarAsItGoes() => Assert.Contains("mystery", Page("""{"status":"Mystery","remote":[],"decrypt_only":{}}"""), StringComparison.Ordinal);

    private static string Page(string status, string? history = null)
    {
        using StringWriter output = new() { NewLine = "\n" };
        new StatusPage(JsonElement.Parse(status), history is null ? null : JsonElement.Parse(history)).WriteTo(output);
        return output.ToString();
    }
}
