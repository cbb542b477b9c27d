namespace KmsSidecar.Observability;

/// <summary>What the daemon tells of itself in numbers, for Prometheus.</summary>
/// <remarks>Bounded: what can be told is added at start, whatever callers send. All is added before the first request.</remarks>
internal sealed class Metrics
{
    private readonly List<MetricFamily> _families = [];

    public IReadOnlyList<MetricFamily> Families => _families;

    /// <inheritdoc cref="MetricFamily"/>
    public void Add(string name, MetricType type, string help, Action<MetricsText> read) => _families.Add(new MetricFamily(name, type, help, read));

    /// <summary>A number that goes up and down.</summary>
    public void AddGauge(string name, string help, Func<double> read) => Add(name, MetricType.Gauge, help, text => text.Add(read()));

    /// <summary>A number that only grows, from the start of the process.</summary>
    public void AddCounter(string name, string help, Func<double> read) => Add(name, MetricType.Counter, help, text => text.Add(read()));

    public string Write(bool asOpenMetrics)
    {
        MetricsText text = new(asOpenMetrics);
        foreach (MetricFamily family in _families)
        {
            text.Begin(family);
            family.Read(text);
        }

        return text.End();
    }
}
