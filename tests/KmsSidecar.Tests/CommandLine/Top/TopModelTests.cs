using System.Globalization;
using System.Text;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Top;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Top;

public sealed class TopModelTests
{
    private const string Head = "kms_sidecar_build_info{version=\"1.2.3\"} 1\nkms_sidecar_state{state=\"Error\"} 0\nkms_sidecar_state{state=\"Running\"} 1\nkms_sidecar_uptime_seconds 90\n";

    [Fact]
    public void Rates_AreDifferencesBySecond()
    {
        TopView view = View(
            Count("decrypt", "data_socket", "success", 100) + Count("decrypt", "data_socket", "denied", 5) + Count("probe", "tcp", "success", 1),
            Count("decrypt", "data_socket", "success", 300) + Count("decrypt", "data_socket", "denied", 9) + Count("decrypt", "data_socket", "timeout", 2)
            + Count("probe", "tcp", "success", 99),
            seconds: 2);

        OperationRow row = Assert.Single(view.Operations);
        Assert.Equal(("decrypt", "data_socket", 103.0, 1.0, 2.0), (row.Operation, row.Surface, row.Rate, row.Failed, row.Refused));
        Assert.Equal((103.0, 1.0, 2.0), (view.Rate, view.Failed, view.Refused));
        Assert.Equal(("1.2.3", "Running", 90.0), (view.Version, view.State, view.Uptime));
    }

    [Fact]
    public void TheFirstScrape_HasNoRates() =>
        Assert.Equal(0, new TopModel(MetricsScrape.Empty, Read(Count("decrypt", "tcp", "success", 1000)), 1).View().Rate);

    [Fact]
    public void ADaemonThatWasStartedAnew_CountsFromZero() =>
        Assert.Equal(7, View(Count("decrypt", "tcp", "success", 1000), Count("decrypt", "tcp", "success", 7), seconds: 1).Rate);

    [Fact]
    public void Latencies_AreOfTheTimeBetween_OverAllRoutesOfAnOperation()
    {
        string before = Buckets("a", 1000, 1000, 1000);
        string now = Buckets("a", 1050, 1099, 1100) + Buckets("b", 0, 100, 100);

        OperationRow row = Assert.Single(View(before, Count("decrypt", "tcp", "success", 1) + now, seconds: 1).Operations);

        // 50 of 200 in the first bucket, 149 in the second: the median is 50 into the second.
        Assert.Equal(0.001 + (0.009 * 50 / 149), row.Median!.Value, 6);
        Assert.Equal(0.001 + (0.009 * 148 / 149), row.Slow!.Value, 6);
        Assert.Equal(double.PositiveInfinity, row.Longest);
    }

    [Fact]
    public void WithoutRequests_ThereIsNoLatency() =>
        Assert.Null(Assert.Single(View(Buckets("a", 5, 5, 5), Count("decrypt", "tcp", "success", 1) + Buckets("a", 5, 5, 5), seconds: 1).Operations).Median);

    [Fact]
    public void Facts_NameWhatIsBad()
    {
        IReadOnlyList<Fact> facts = View(
            "",
            """
            rustfs_kms_backend_circuit_open{backend="vault",scope="operations"} 1
            rustfs_kms_vault_token_ttl_seconds{backend="vault"} 7200
            kms_sidecar_keys{state="enabled"} 3
            kms_sidecar_decrypt_only_backends 1
            kms_sidecar_decrypt_only_opened_total{former_backend="local-1"} 4
            kms_sidecar_decrypt_only_up{former_backend="local-1"} 0
            process_resident_memory_bytes 50000000

            """,
            seconds: 1).Facts;

        Assert.Contains(facts, static fact => fact is { Name: "backend", IsBad: true } && fact.Text.Contains("vault, breaker OPEN", StringComparison.Ordinal));
        Assert.Contains(facts, static fact => fact is { Name: "decrypt-only", Text: "local-1 4.0/s AWAY", IsBad: true });
        Assert.Contains(facts, static fact => fact is { Name: "ends", Text: "credentials in 2 h", IsBad: false });
        Assert.Contains(facts, static fact => fact is { Name: "keys", Text: "3.0 enabled" or "3 enabled", IsBad: false });
    }

    private static TopView View(string before, string now, double seconds) => new TopModel(Read(before), Read(now), seconds).View();

    private static MetricsScrape Read(string text) => MetricsReader.Read(Encoding.UTF8.GetBytes(Head + text));

    private static string Count(string operation, string surface, string result, int count) => string.Create(
        CultureInfo.InvariantCulture, $"kms_sidecar_requests_total{{route=\"r\",operation=\"{operation}\",surface=\"{surface}\",backend=\"local\",result=\"{result}\",status=\"200\"}} {count}\n");

    private static string Buckets(string route, int fast, int slow, int all)
    {
        string labels = $"route=\"{route}\",operation=\"decrypt\",surface=\"tcp\",backend=\"local\"";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"kms_sidecar_request_duration_seconds_bucket{{{labels},le=\"0.001\"}} {fast}\nkms_sidecar_request_duration_seconds_bucket{{{labels},le=\"0.01\"}} {slow}\nkms_sidecar_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {all}\n");
    }
}
