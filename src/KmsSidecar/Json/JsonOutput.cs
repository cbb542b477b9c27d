using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace KmsSidecar.Json;

/// <summary>How JSON is written: compact, and with nothing escaped that JSON itself does not require.</summary>
/// <remarks>The default encoder protects text inside HTML and turns <c>+</c> and <c>'</c> into escapes; upstream's clients compare timestamps as text.</remarks>
internal static class JsonOutput
{
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    private static readonly JsonWriterOptions Options = new() { Encoder = Encoder };

    /// <summary>The caller disposes the writer before it reads the output.</summary>
    public static Utf8JsonWriter WriteTo(IBufferWriter<byte> output) => new(output, Options);
}
