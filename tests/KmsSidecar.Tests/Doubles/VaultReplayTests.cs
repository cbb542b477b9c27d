using System.Text.Json.Nodes;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Core;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>The double answers what OpenBao 2.6.2 answered, request by request.</summary>
public sealed class VaultReplayTests
{
    [Fact]
    public async Task FirstRecording_IsAnsweredAsRecorded()
    {
        FakeTimeProvider clock = new(new DateTimeOffset(2026, 11, 23, 19, 40, 48, 500, TimeSpan.Zero));
        await using VaultDouble vault = await StartAsync(clock);
        // A server in development mode has it.
        vault.Admin.Send(Operation.Create, "sys/mounts/secret", new JsonObject
        {
            ["type"] = "kv",
            ["description"] = "key/value secret storage",
            ["options"] = new JsonObject { ["version"] = "2" },
        });
        using VaultReplay replay = new(vault, clock)
        {
            Bearers = [(107, 110, 101), (113, 119, 101), (121, 121, VaultReplay.Nobody), (122, 122, 101), (124, 124, 123), (130, 132, 128), (134, 135, 133), (136, 138, 106)],
            Pauses = new Dictionary<int, TimeSpan> { [124] = TimeSpan.FromSeconds(3) },
        };
        VaultExchange[] exchanges = VaultExchange.Load("exchanges.json");

        Assert.Equal(153, exchanges.Length);
        AssertSame(await replay.RunAsync(exchanges));
    }

    [Fact]
    public async Task SecondRecording_IsAnsweredAsRecorded()
    {
        FakeTimeProvider clock = new(new DateTimeOffset(2026, 11, 23, 21, 2, 44, 500, TimeSpan.Zero));
        await using VaultDouble vault = await StartAsync(clock);
        using VaultReplay replay = new(vault, clock)
        {
            Bearers = [(5, 22, 4), (34, 35, 32)],
            Pauses = new Dictionary<int, TimeSpan> { [18] = TimeSpan.FromSeconds(4.6), [20] = TimeSpan.FromSeconds(6) },
            Bodies = new Dictionary<string, Func<string>>
            {
                ["encrypt batch of 250"] = static () => new JsonObject
                {
                    ["batch_input"] = new JsonArray([.. Enumerable.Range(0, 250).Select(static _ => new JsonObject { ["plaintext"] = "AAEC", ["associated_data"] = "e30=" })]),
                }.ToJsonString(),
                ["body over the limit"] = static () => $$"""{"plaintext":"{{new string('A', 33 * 1024 * 1024)}}"}""",
            },
        };
        VaultExchange[] exchanges = VaultExchange.Load("more.json");

        Assert.Equal(53, exchanges.Length);
        AssertSame(await replay.RunAsync(exchanges));
    }

    private static void AssertSame(IReadOnlyList<string> differences) => Assert.True(differences.Count == 0, string.Join('\n', differences));

    private static Task<VaultDouble> StartAsync(FakeTimeProvider clock) => VaultDouble.StartAsync(new VaultDoubleOptions { Clock = clock, RootToken = "root" });
}
