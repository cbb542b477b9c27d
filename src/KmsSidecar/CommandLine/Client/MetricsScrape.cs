namespace KmsSidecar.CommandLine.Client;

/// <summary>All numbers of a daemon at one moment.</summary>
internal sealed class MetricsScrape(List<MetricSample> samples)
{
    public static readonly MetricsScrape Empty = new([]);

    public IEnumerable<MetricSample> Of(string name) => samples.Where(sample => sample.Name == name);

    /// <summary>Null when there is none.</summary>
    public double? Value(string name) => Of(name).FirstOrDefault()?.Value;

    /// <summary>Null when there is none.</summary>
    public double? Sum(string name)
    {
        double sum = 0;
        bool isThere = false;
        foreach (MetricSample sample in Of(name))
        {
            sum += sample.Value;
            isThere = true;
        }

        return isThere ? sum : null;
    }

    /// <summary>What a counter was then; 0 for one that was not there yet.</summary>
    public double ValueOf(MetricSample counter) =>
        samples.Find(sample => sample.Name == counter.Name && sample.Labels.AsSpan().SequenceEqual(counter.Labels))?.Value ?? 0;
}
