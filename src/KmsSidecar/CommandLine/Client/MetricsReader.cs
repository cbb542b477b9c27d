using System.Globalization;
using System.Text;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Reads the Prometheus text format 0.0.4 and what OpenMetrics has in common with it. Passes over what it does not understand: a
/// daemon of another version may tell more.</summary>
internal static class MetricsReader
{
    /// <summary>The daemon has some thousand.</summary>
    private const int MaxSamples = 50_000;

    public static MetricsScrape Read(ReadOnlySpan<byte> text)
    {
        List<MetricSample> samples = [];
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n'))
        {
            if (line.Length > 0 && line[0] != '#' && samples.Count < MaxSamples && TryRead(line) is { } sample)
            {
                samples.Add(sample);
            }
        }

        return new MetricsScrape(samples);
    }

    private static MetricSample? TryRead(string line)
    {
        int name = line.AsSpan().IndexOfAny('{', ' ');
        if (name <= 0)
        {
            return null;
        }

        int end = name;
        List<string> labels = [];
        if (line[name] == '{' && !TryReadLabels(line, ref end, labels))
        {
            return null;
        }

        // A time may follow.
        string value = line[end..].TrimStart().Split(' ')[0].TrimEnd('\r');
        return TryReadNumber(value, out double number) ? new MetricSample(line[..name], [.. labels], number) : null;
    }

    /// <param name="at">The brace; then what follows its partner.</param>
    private static bool TryReadLabels(string line, ref int at, List<string> labels)
    {
        at++;
        while (at < line.Length && line[at] != '}')
        {
            int equals = line.IndexOf('=', at);
            if (equals < 0 || equals + 1 >= line.Length || line[equals + 1] != '"')
            {
                return false;
            }

            labels.Add(line[at..equals].Trim(' ', ','));
            at = equals + 2;
            if (ReadQuoted(line, ref at) is not { } value)
            {
                return false;
            }

            labels.Add(value);
            at += at < line.Length && line[at] == ',' ? 1 : 0;
        }

        return at++ < line.Length;
    }

    /// <param name="at">Behind the quotation mark; then behind its partner.</param>
    private static string? ReadQuoted(string line, ref int at)
    {
        StringBuilder value = new();
        while (at < line.Length && line[at] != '"')
        {
            char next = line[at++];
            if (next == '\\' && at < line.Length)
            {
                next = line[at++] is 'n' ? '\n' : line[at - 1];
            }

            value.Append(next);
        }

        return at++ < line.Length ? value.ToString() : null;
    }

    private static bool TryReadNumber(string text, out double number)
    {
        number = text switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, _ => double.NaN };
        return !double.IsNaN(number) || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }
}
