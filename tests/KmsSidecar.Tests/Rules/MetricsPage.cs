using System.Text.RegularExpressions;
using KmsSidecar.Tests.Audit;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Rules;

/// <summary>docs/metrics.md and docs/audit.md, the alerts and the dashboard speak of the metrics that there are.</summary>
public sealed partial class MetricsPage
{
    private static readonly string Pages = Read("docs", "metrics.md") + Read("docs", "audit.md");
    private static readonly string Alerts = Read("packaging", "prometheus", "kms-sidecar.rules.yml");
    private static readonly string Dashboard = Read("packaging", "grafana", "kms-sidecar.json");

    [Fact]
    public async Task Table_HasEveryFamily_WithTypeAndUnit()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options with { Audit = AuditUnderTest.Bounded });

        IEnumerable<string> families = host.Host.Metrics.Families.Select(static family => $"{family.Name} {family.Type.ToString().ToLowerInvariant()} {family.Unit}");

        Assert.Equal(families.Order(StringComparer.Ordinal), Rows().Select(static row => $"{row.Name} {row.Type} {row.Unit}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Table_HasTheLabelsThatThereAre()
    {
        await using TestHost host = await TestHost.StartRunningAsync(static options => options with { Audit = AuditUnderTest.Bounded });
        (await host.Data.PostAsync("/v1/generate-data-key")).Expect(200);
        PrometheusText text = PrometheusText.Parse((await host.Admin.GetAsync("/metrics")).Expect(200).Text);

        foreach (string sample in text.Samples.Keys)
        {
            string name = sample.Split('{')[0];
            string[] labels = [.. Label().Matches(sample).Select(static label => label.Groups[1].Value).Where(static label => label != "le")];
            Row row = Rows().First(row => row.Name == name || row.Name == Suffix().Replace(name, ""));
            Assert.True(row.Labels == string.Join(", ", labels), sample);
        }
    }

    [Fact]
    public void Alerts_AreInTheTable_AndViceVersa()
    {
        IEnumerable<string> alerts = AlertName().Matches(Alerts).Select(static alert => alert.Groups[1].Value);

        Assert.Equal(
            alerts.Except(["KmsSidecarDown"]).Order(StringComparer.Ordinal),
            Rows().Select(static row => row.Alert).Where(static alert => alert.Length > 0).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AlertsAndDashboard_AskForMetricsThatThereAre()
    {
        HashSet<string> known = [.. Rows().SelectMany(static row => row.Type == "histogram" ? [$"{row.Name}_bucket"] : new[] { row.Name })];
        IEnumerable<string> asked = MetricName().Matches(Alerts + Dashboard).Select(static name => name.Value);

        Assert.Empty(asked.Distinct().Except(known));
    }

    private static IEnumerable<Row> Rows() => TableRow().Matches(Pages).Select(static row => new Row(
        row.Groups["name"].Value, row.Groups["type"].Value, row.Groups["unit"].Value.Trim(), row.Groups["labels"].Value.Trim(), row.Groups["alert"].Value.Trim()));

    private static string Read(params string[] path) => File.ReadAllText(Path.Join([SourceTree.Root, .. path]));

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?<type>counter|gauge|histogram) \|(?<unit>[a-z ]*)\|(?<labels>[a-z_, ]*)\|[^|\n]*\|(?<alert>[A-Za-z ]*)\|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"\b(kms_sidecar|rustfs_kms|process|dotnet)_[a-z_]+(?=\{)")]
    private static partial Regex MetricName();

    [GeneratedRegex("([a-z_]+)=\"")]
    private static partial Regex Label();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    private sealed record Row(string Name, string Type, string Unit, string Labels, string Alert);
}
