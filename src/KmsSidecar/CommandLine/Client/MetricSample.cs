namespace KmsSidecar.CommandLine.Client;

/// <summary>One number of a scrape.</summary>
/// <param name="Name">Of its family, and what the format adds: <c>_bucket</c>, <c>_sum</c>, <c>_count</c>.</param>
/// <param name="Labels">Names and values by turns.</param>
internal sealed record MetricSample(string Name, string[] Labels, double Value)
{
    /// <summary>Empty when there is no such label, which Prometheus takes for the same.</summary>
    public string Label(string name)
    {
        for (int i = 0; i + 1 < Labels.Length; i += 2)
        {
            if (Labels[i] == name)
            {
                return Labels[i + 1];
            }
        }

        return "";
    }
}
