using System.Globalization;
using System.Text;

namespace KmsSidecar.Observability;

/// <summary>Metrics as they are written, in the Prometheus text format 0.0.4 or in OpenMetrics 1.0.</summary>
internal sealed class MetricsText(bool isOpenMetrics)
{
    private readonly StringBuilder _text = new(32 * 1024);
    private MetricFamily? _family;
    private bool _isDescribed;

    /// <summary>What is added from now on belongs to this family, which is not mentioned while it has nothing to tell.</summary>
    public void Begin(MetricFamily family) => (_family, _isDescribed) = (family, false);

    /// <param name="labels">As they are written, without braces: <c>result="hit"</c>. From a closed set, whatever callers send.</param>
    public void Add(double value, string labels = "") => Line("", labels, value);

    /// <summary>Nothing where there is no number.</summary>
    public void AddIfKnown(double? value, string labels = "")
    {
        if (value is { } number)
        {
            Add(number, labels);
        }
    }

    /// <summary>Nothing while nothing has been counted.</summary>
    public void Add(DurationHistogram histogram, string labels)
    {
        long[] counts = histogram.Read(out double sum);
        long total = 0;
        foreach (long count in counts)
        {
            total += count;
        }

        if (total == 0)
        {
            return;
        }

        long below = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            below += counts[i];
            Line("_bucket", $"{labels},le=\"{DurationHistogram.BoundOf(i)}\"", below);
        }

        Line("_sum", labels, sum);
        Line("_count", labels, total);
    }

    /// <summary>The whole text. Nothing is added after it.</summary>
    public string End() => (isOpenMetrics ? _text.Append("# EOF\n") : _text).ToString();

    private void Describe(MetricFamily family)
    {
        _isDescribed = true;
        string name = isOpenMetrics ? family.BaseName : family.Name;
        _text.Append("# HELP ").Append(name).Append(' ').Append(family.Help).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(NameOf(family.Type)).Append('\n');
        if (isOpenMetrics && family.Unit is { } unit)
        {
            _text.Append("# UNIT ").Append(name).Append(' ').Append(unit).Append('\n');
        }
    }

    private void Line(string suffix, string labels, double value)
    {
        if (!_isDescribed)
        {
            Describe(_family!);
        }

        _text.Append(_family!.Name).Append(suffix);
        if (labels.Length > 0)
        {
            _text.Append('{').Append(labels).Append('}');
        }

        _text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string NameOf(MetricType type) => type switch
    {
        MetricType.Counter => "counter",
        MetricType.Gauge => "gauge",
        _ => "histogram",
    };
}
