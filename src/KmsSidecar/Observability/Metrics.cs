using System.Globalization;
using System.Text;

namespace KmsSidecar.Observability;

/// <summary>Counts requests by route and status, and their latency, in the Prometheus text format (version 0.0.4).</summary>
/// <remarks>Bounded: series exist only for what was added at start, whatever callers send.</remarks>
internal sealed class Metrics
{
    private readonly List<RouteSeries> _series = [];
    private readonly List<(string Family, string Type, string Help, Func<IEnumerable<Sample>> Read)> _families = [];

    /// <summary>A new series. All are added before the first request: the list is not thread-safe, the series are.</summary>
    /// <param name="route">Unique, and free of <c>"</c>, <c>\</c> and line breaks.</param>
    public RouteSeries Add(string route)
    {
        RouteSeries series = new(route);
        _series.Add(series);
        return series;
    }

    /// <param name="Labels">As they are written, braces and all; empty for none. From a closed set, whatever callers send.</param>
    public readonly record struct Sample(string Labels, double Value);

    /// <summary>A number that is read whenever it is asked for. All are added before the first request.</summary>
    public void AddGauge(string family, string help, Func<long> read) => AddFamily(family, "gauge", help, () => [new Sample("", read())]);

    /// <summary>Numbers that are read whenever they are asked for; none while there is nothing to count. All are added before the first request.</summary>
    /// <param name="type">gauge or counter.</param>
    public void AddFamily(string family, string type, string help, Func<IEnumerable<Sample>> read) => _families.Add((family, type, help, read));

    /// <param name="state">Name of the service's state.</param>
    /// <param name="states">Names of all states.</param>
    public string Write(string state, IEnumerable<string> states, long generation, TimeSpan uptime, string version)
    {
        const string Requests = "kms_sidecar_requests_total";
        const string Durations = "kms_sidecar_request_duration_microseconds";

        StringBuilder text = new();
        Describe(text, "kms_sidecar_build_info", "gauge", "The running version.");
        Append(text, $"kms_sidecar_build_info{{version=\"{version}\"}} 1\n");
        Describe(text, "kms_sidecar_uptime_seconds", "gauge", "Seconds since the process started.");
        Append(text, $"kms_sidecar_uptime_seconds {uptime.TotalSeconds:F3}\n");
        Describe(text, "kms_sidecar_state", "gauge", "1 for the state that the service is in.");
        foreach (string name in states)
        {
            Append(text, $"kms_sidecar_state{{state=\"{name}\"}} {(name == state ? 1 : 0)}\n");
        }

        Describe(text, "kms_sidecar_configuration_generation", "gauge", "Number of the configuration in effect; 0 for none.");
        Append(text, $"kms_sidecar_configuration_generation {generation}\n");

        foreach ((string family, string type, string help, Func<IEnumerable<Sample>> read) in _families)
        {
            Describe(text, family, type, help);
            foreach (Sample sample in read())
            {
                Append(text, $"{family}{sample.Labels} {sample.Value}\n");
            }
        }

        Describe(text, Requests, "counter", "Requests answered, by route and HTTP status.");
        _series.ForEach(series => series.WriteCounts(text, Requests));

        Describe(text, Durations, "histogram", "Time from the request's head to its answer.");
        _series.ForEach(series => series.WriteDurations(text, Durations));
        return text.ToString();
    }

    private static void Describe(StringBuilder text, string family, string type, string help) =>
        Append(text, $"# HELP {family} {help}\n# TYPE {family} {type}\n");

    private static void Append(StringBuilder text, FormattableString sample) => text.Append(sample.ToString(CultureInfo.InvariantCulture));
}
