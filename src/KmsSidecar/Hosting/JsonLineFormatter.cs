using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Hosting;

/// <summary>One JSON object for each event, on one line, with the members of the framework's own JSON console.</summary>
internal sealed class JsonLineFormatter(TimeProvider clock)
{
    public string Format(LogEvent logged)
    {
        ArrayBufferWriter<byte> line = new();
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            json.WriteString("Timestamp", clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteNumber("EventId", logged.Id);
            json.WriteString("LogLevel", logged.Level.ToString());
            json.WriteString("Category", logged.Category);
            json.WriteString("Message", logged.Message);
            if (logged.RequestId is { } request)
            {
                json.WriteString("RequestId", request);
            }

            if (logged.Exception is { } exception)
            {
                json.WriteString("Exception", exception.ToString());
            }

            if (logged.Values is { } values)
            {
                json.WriteStartObject("State");
                foreach ((string name, object? value) in values)
                {
                    Write(json, name, value);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(line.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            case byte or short or ushort or int or uint or long:
                json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }
}
