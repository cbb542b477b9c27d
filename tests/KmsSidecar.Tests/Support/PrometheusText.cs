using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>A strict reader of the Prometheus text format 0.0.4, as far as a daemon without odd label values needs it.</summary>
internal sealed partial class PrometheusText
{
    private readonly Dictionary<string, string> _types = [];

    public Dictionary<string, double> Samples { get; } = [];

    public static PrometheusText Parse(string text)
    {
        PrometheusText parsed = new();
        Assert.EndsWith("\n", text);
        string family = "";
        foreach (string line in text[..^1].Split('\n'))
        {
            if (HelpLine().Match(line) is { Success: true } help)
            {
                family = help.Groups["name"].Value;
                Assert.DoesNotContain(family, parsed._types.Keys);
                parsed._types[family] = "";
            }
            else if (TypeLine().Match(line) is { Success: true } type)
            {
                Assert.Equal(family, type.Groups["name"].Value);
                Assert.Equal("", parsed._types[family]);
                parsed._types[family] = type.Groups["type"].Value;
            }
            else
            {
                parsed.Take(line, family);
            }
        }

        parsed.CheckHistograms();
        return parsed;
    }

    private void Take(string line, string family)
    {
        Match sample = SampleLine().Match(line);
        Assert.True(sample.Success, line);
        string suffix = sample.Groups["name"].Value[family.Length..];
        Assert.True(_types[family] == "histogram" ? suffix is "_bucket" or "_sum" or "_count" : suffix == "", line);
        Assert.True(Samples.TryAdd(line[..line.LastIndexOf(' ')], double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture)), line);
    }

    /// <summary>Buckets in order, cumulative, the last one infinite and equal to the count.</summary>
    private void CheckHistograms()
    {
        foreach (string family in _types.Where(static type => type.Value == "histogram").Select(static type => type.Key))
        {
            foreach (IGrouping<string, Bucket> series in Samples
                .Select(static sample => Bucket.Of(BucketName().Match(sample.Key), sample.Value))
                .Where(bucket => bucket.Family == family)
                .GroupBy(static bucket => bucket.Labels))
            {
                double[] bounds = [.. series.Select(static bucket => bucket.Bound)];
                double[] counts = [.. series.Select(static bucket => bucket.Count)];
                Assert.Equal(bounds.Order().Distinct(), bounds);
                Assert.Equal(counts.Order(), counts);
                Assert.Equal(double.PositiveInfinity, bounds[^1]);
                Assert.Equal(Samples[$"{family}_count{{{series.Key}}}"], counts[^1]);
                Assert.True(Samples[$"{family}_sum{{{series.Key}}}"] >= 0);
            }
        }
    }

    [GeneratedRegex("^# HELP (?<name>[a-z_]+) [^\\\\]+$")]
    private static partial Regex HelpLine();

    [GeneratedRegex("^# TYPE (?<name>[a-z_]+) (?<type>counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""^(?<name>[a-z_]+)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? (?<value>[0-9]+(\.[0-9]+)?(E[+-][0-9]+)?)$""")]
    private static partial Regex SampleLine();

    [GeneratedRegex("""^(?<family>[a-z_]+)_bucket\{(?<labels>.*),le="(?<le>[^"]*)"\}$""")]
    private static partial Regex BucketName();

    private sealed record Bucket(string Family, string Labels, double Bound, double Count)
    {
        public static Bucket Of(Match name, double count)
        {
            string bound = name.Groups["le"].Value;
            return new Bucket(
                name.Groups["family"].Value,
                name.Groups["labels"].Value,
                bound is "+Inf" or "" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture),
                count);
        }
    }
}
