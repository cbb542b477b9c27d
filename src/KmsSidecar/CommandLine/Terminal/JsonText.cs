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
}
