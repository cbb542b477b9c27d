using System.Text.RegularExpressions;
using KmsSidecar.Observability;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>Prometheus's conventions for names, types, units, help texts and labels, as far as a program can tell.</summary>
internal static partial class MetricsLint
{
    private static readonly string[] Prefixes = ["kms_sidecar_", "rustfs_kms_", "process_", "dotnet_"];
    private static readonly string[] NoBaseUnits = ["microseconds", "milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent", "ratio"];

    /// <summary>Labels that Prometheus itself gives, or that belong to other types.</summary>
    private static readonly string[] Reserved = ["instance", "job", "quantile", "le"];

    public static void Check(IReadOnlyList<MetricFamily> families)
    {
        Assert.Distinct(families.Select(static family => family.BaseName));
        foreach (MetricFamily family in families)
        {
            Assert.Matches(LegalName(), family.Name);
            Assert.Contains(Prefixes, prefix => family.Name.StartsWith(prefix, StringComparison.Ordinal));
            Assert.Equal(family.Type == MetricType.Counter, family.Name.EndsWith("_total", StringComparison.Ordinal));
            Assert.DoesNotMatch(ReservedSuffix(), family.BaseName);
            Assert.DoesNotContain(family.BaseName.Split('_'), NoBaseUnits.Contains);
            Assert.Matches(Sentence(), family.Help);
            Assert.Equal(family.Type == MetricType.Histogram ? "seconds" : family.Unit, family.Unit);
        }
    }

    /// <summary>Every sample has labels that a scrape keeps as they are.</summary>
    public static void CheckLabels(PrometheusText text)
    {
        foreach (string sample in text.Samples.Keys.Where(static sample => !sample.Contains("_bucket{", StringComparison.Ordinal)))
        {
            string[] names = [.. Label().Matches(sample).Select(static match => match.Groups[1].Value)];
            Assert.Distinct(names);
            Assert.DoesNotContain(names, Reserved.Contains);
            Assert.DoesNotContain(names, static name => name.StartsWith("__", StringComparison.Ordinal));
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9_]*[a-z0-9]$")]
    private static partial Regex LegalName();

    [GeneratedRegex("_(total|count|sum|bucket|created|info_info)$")]
    private static partial Regex ReservedSuffix();

    [GeneratedRegex(@"^[A-Z0-9][^\n\\]*\.$")]
    private static partial Regex Sentence();

    [GeneratedRegex("""([a-z_]+)="[^"]*"[,}]""")]
    private static partial Regex Label();
}
