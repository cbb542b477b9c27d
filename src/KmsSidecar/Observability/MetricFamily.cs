namespace KmsSidecar.Observability;

/// <summary>Metrics of one name, and where their values come from.</summary>
/// <param name="Name">By Prometheus conventions: a counter ends in <c>_total</c>, and before that the base unit stands, if there is one.</param>
/// <param name="Help">One sentence, free of line breaks and <c>\</c>.</param>
/// <param name="Read">Adds the samples of now; none while there is nothing to tell. Called on any thread, by several at once.</param>
internal sealed record MetricFamily(string Name, MetricType Type, string Help, Action<MetricsText> Read)
{
    private const string Total = "_total";

    /// <summary>What OpenMetrics calls it: there <c>_total</c> belongs to the sample.</summary>
    public string BaseName => Type == MetricType.Counter ? Name[..^Total.Length] : Name;

    /// <summary>Null for a plain number.</summary>
    public string? Unit => BaseName.EndsWith("_seconds", StringComparison.Ordinal) ? "seconds"
        : BaseName.EndsWith("_bytes", StringComparison.Ordinal) ? "bytes"
        : null;
}
