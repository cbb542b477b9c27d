using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Sys;

/// <summary><c>sys/health</c> and <c>sys/seal-status</c>, which answer everyone.</summary>
internal sealed class HealthReport(VaultCore core)
{
    private const string Version = "2.0.0-HEAD";

    private readonly string _clusterName = $"vault-cluster-{Guid.NewGuid().ToString("N")[..8]}";
    private readonly string _clusterId = Guid.NewGuid().ToString();

    public Answer Health()
    {
        string replication = core.IsSealed ? "unknown" : "disabled";
        return new Answer(core.IsSealed ? 503 : 200, WithCluster(new JsonObject
        {
            ["initialized"] = true,
            ["sealed"] = core.IsSealed,
            ["standby"] = core.IsSealed,
            ["replication_performance_mode"] = replication,
            ["replication_dr_mode"] = replication,
            ["server_time_utc"] = core.Clock.GetUtcNow().ToUnixTimeSeconds(),
            ["version"] = Version,
        }));
    }

    public Answer SealStatus() => new(200, WithCluster(new JsonObject
    {
        ["type"] = "shamir",
        ["initialized"] = true,
        ["sealed"] = core.IsSealed,
        ["t"] = 1,
        ["n"] = 1,
        ["progress"] = 0,
        ["nonce"] = "",
        ["recovery_seal"] = false,
        ["version"] = Version,
        ["commit_date"] = "",
        ["migration"] = false,
        ["storage_type"] = "inmem",
    }));

    /// <summary>A sealed server does not know its cluster.</summary>
    private JsonObject WithCluster(JsonObject report)
    {
        if (!core.IsSealed)
        {
            report["cluster_name"] = _clusterName;
            report["cluster_id"] = _clusterId;
        }

        return report;
    }
}
