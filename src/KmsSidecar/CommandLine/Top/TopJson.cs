using System.Text.Json;

namespace KmsSidecar.CommandLine.Top;

/// <summary>The numbers of one interval, for programs.</summary>
internal static class TopJson
{
    public static void Write(Utf8JsonWriter writer, TopView view)
    {
        writer.WriteStartObject();
        writer.WriteString("version", view.Version);
        writer.WriteString("state", view.State);
        writer.WriteNumber("generation", view.Generation);
        writer.WriteNumber("uptime_seconds", view.Uptime);
        WriteRates(writer, view.Rate, view.Failed, view.Refused);
        writer.WriteStartArray("operations");
        foreach (OperationRow row in view.Operations)
        {
            Write(writer, row);
        }

        writer.WriteEndArray();
        writer.WriteStartObject("facts");
        foreach (Fact fact in view.Facts)
        {
            writer.WriteString(fact.Name, fact.Text);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, OperationRow row)
    {
        writer.WriteStartObject();
        writer.WriteString("operation", row.Operation);
        writer.WriteString("surface", row.Surface);
        WriteRates(writer, row.Rate, row.Failed, row.Refused);
        WriteSeconds(writer, "p50_seconds", row.Median);
        WriteSeconds(writer, "p99_seconds", row.Slow);
        WriteSeconds(writer, "max_seconds", row.Longest);
        writer.WriteEndObject();
    }

    private static void WriteRates(Utf8JsonWriter writer, double all, double failed, double refused)
    {
        writer.WriteNumber("requests_per_second", all);
        writer.WriteNumber("failed_per_second", failed);
        writer.WriteNumber("refused_per_second", refused);
    }

    /// <summary>JSON has no number for what is beyond the last bound.</summary>
    private static void WriteSeconds(Utf8JsonWriter writer, string name, double? seconds)
    {
        if (seconds is { } known && double.IsFinite(known))
        {
            writer.WriteNumber(name, known);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
