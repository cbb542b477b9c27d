using System.Globalization;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Top;

/// <summary>Makes a view of two scrapes. The names of the daemon's metrics that requests are told by are here and nowhere else.</summary>
/// <param name="before">Empty at first: then rates are 0, and not the whole of what has been counted.</param>
/// <param name="seconds">Between the two.</param>
internal sealed class TopModel(MetricsScrape before, MetricsScrape now, double seconds)
{
    private const string Requests = "kms_sidecar_requests_total";
    private const string Durations = "kms_sidecar_request_duration_seconds_bucket";

    /// <summary>Whoever watches would see itself.</summary>
    private const string Probe = "probe";

    /// <summary>Results of a request that the caller has to mend.</summary>
    private static readonly string[] Refusals = ["denied", "invalid"];

    public TopView View()
    {
        IReadOnlyList<OperationRow> operations = ReadOperations();
        return new TopView(
            now.Of("kms_sidecar_build_info").FirstOrDefault()?.Label("version") ?? "",
            now.Of("kms_sidecar_state").FirstOrDefault(static state => state.Value > 0)?.Label("state") ?? "unknown",
            now.Value("kms_sidecar_configuration_generation") ?? 0,
            now.Value("kms_sidecar_uptime_seconds") ?? 0,
            operations.Sum(static row => row.Rate),
            operations.Sum(static row => row.Failed),
            operations.Sum(static row => row.Refused),
            operations,
            [.. new TopFacts(now, this).Read()]);
    }

    /// <summary>Rise by second of all counters of one name. A daemon that was started anew counts from 0.</summary>
    public double RateOf(string name)
    {
        double rate = 0;
        foreach (MetricSample counter in now.Of(name))
        {
            rate += RateOf(counter);
        }

        return rate;
    }

    public double RateOf(MetricSample counter) => Rise(counter) / seconds;

    private double Rise(MetricSample counter)
    {
        double former = before.ValueOf(counter);
        return before == MetricsScrape.Empty ? 0 : counter.Value >= former ? counter.Value - former : counter.Value;
    }

    private List<OperationRow> ReadOperations()
    {
        List<OperationRow> rows = [];
        foreach (IGrouping<string, MetricSample> samples in now.Of(Requests)
            .Where(static sample => sample.Label("operation") is not ("" or Probe))
            .GroupBy(static sample => $"{sample.Label("operation")} {sample.Label("surface")}"))
        {
            MetricSample first = samples.First();
            rows.Add(ReadOperation(first.Label("operation"), first.Label("surface"), samples));
        }

        rows.Sort(static (one, other) => one.Rate != other.Rate ? other.Rate.CompareTo(one.Rate) : string.CompareOrdinal(one.Name, other.Name));
        return rows;
    }

    private OperationRow ReadOperation(string operation, string surface, IEnumerable<MetricSample> requests)
    {
        double rate = 0, failed = 0, refused = 0;
        foreach (MetricSample sample in requests)
        {
            double risen = RateOf(sample);
            rate += risen;
            refused += Refusals.Contains(sample.Label("result")) ? risen : 0;
            failed += sample.Label("result") is "success" || Refusals.Contains(sample.Label("result")) ? 0 : risen;
        }

        BucketHistogram latency = new();
        foreach (MetricSample bucket in now.Of(Durations).Where(sample => sample.Label("operation") == operation && sample.Label("surface") == surface))
        {
            latency.Add(BoundOf(bucket), Rise(bucket));
        }

        return new OperationRow(operation, surface, rate, failed, refused, latency.Quantile(0.5), latency.Quantile(0.99), latency.Longest);
    }

    private static double BoundOf(MetricSample bucket) =>
        double.TryParse(bucket.Label("le"), NumberStyles.Float, CultureInfo.InvariantCulture, out double bound) ? bound : double.PositiveInfinity;
}
