using System.Buffers;
using System.Text;
using System.Text.Json;
using KmsSidecar.Json;

namespace KmsSidecar.CommandLine.Terminal;

/// <summary>JSON on standard output: one line on a pipe, indented on a terminal.</summary>
internal static class JsonText
{
    public static void Write(JsonElement element) => Write(element.WriteTo);

    /// <param name="value">Writes one value.</param>
    public static void Write(Action<Utf8JsonWriter> value)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter writer = new(output, new JsonWriterOptions { Encoder = JsonOutput.Encoder, Indented = !Console.IsOutputRedirected }))
        {
            value(writer);
        }

        output.Write("\n"u8);
    }

    /// <summary>In one line.</summary>
    /// <param name="value">Writes one value, without a secret in it.</param>
    public static string Of(Action<Utf8JsonWriter> value)
    {
        ArrayBufferWriter<byte> line = new();
        using (Utf8JsonWriter writer = JsonOutput.WriteTo(line))
        {
            value(writer);
        }

        return Encoding.UTF8.GetString(line.WrittenSpan);
    }
}
