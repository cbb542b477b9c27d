using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>The figures of one run.</summary>
internal sealed class BenchReport
{
    private readonly LatencyHistogram _latencies = new();
    private readonly int[] _refusals = new int[BenchWorker.StatusesEnd];
    private readonly int _lost;
    private readonly double _seconds;

    /// <param name="elapsed">From the first request to the last answer.</param>
    public BenchReport(BenchWorker[] workers, TimeSpan elapsed)
    {
        _seconds = elapsed.TotalSeconds;
        foreach (BenchWorker worker in workers)
        {
            _latencies.Add(worker.Latencies);
            _lost += worker.Lost;
            for (int status = 0; status < _refusals.Length; status++)
            {
                _refusals[status] += worker.Refusals[status];
            }
        }
    }

    public bool IsClean => _lost == 0 && !_refusals.AsSpan().ContainsAnyExcept(0);

    private double Rate => _latencies.Count / _seconds;

    public void WriteTo(TextWriter output)
    {
        Table table = new();
        table.Add("rate", string.Create(CultureInfo.InvariantCulture, $"{Rate,10:F0} /s"));
        table.Add("p50", Shown(Percentile(50)));
        table.Add("p99", Shown(Percentile(99)));
        table.Add("max", Shown(Percentile(100)));
        EachError((error, count) => table.Add(Ink.Bad(error), count.PadLeft(10)));
        table.WriteTo(output);
    }

    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("seconds", Math.Round(_seconds, 3));
        writer.WriteNumber("requests", _latencies.Count);
        writer.WriteNumber("rate_per_second", Math.Round(Rate));
        writer.WriteNumber("p50_microseconds", Percentile(50));
        writer.WriteNumber("p99_microseconds", Percentile(99));
        writer.WriteNumber("max_microseconds", Percentile(100));
        writer.WriteStartObject("errors");
        EachError((error, count) =>
        {
            writer.WritePropertyName(error);
            writer.WriteRawValue(count);
        });
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string Shown(double microseconds) => string.Create(CultureInfo.InvariantCulture, $"{microseconds,10:F1} µs");

    /// <summary>In microseconds.</summary>
    private double Percentile(double percent) => Math.Round(_latencies.Percentile(percent) / 1000.0, 1);

    /// <param name="tell">Gets what went wrong, and how often.</param>
    private void EachError(Action<string, string> tell)
    {
        if (_lost > 0)
        {
            tell("connection lost", _lost.ToString(CultureInfo.InvariantCulture));
        }

        for (int status = 0; status < _refusals.Length; status++)
        {
            if (_refusals[status] > 0)
            {
                tell(string.Create(CultureInfo.InvariantCulture, $"status {status}"), _refusals[status].ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
