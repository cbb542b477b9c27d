using System.Text.Json;

namespace KmsSidecar.Tests.Crypto;

/// <summary>Reads the JSON files under <c>Vectors/</c>.</summary>
internal static class VectorFile
{
    public static JsonElement Read(params string[] path)
    {
        string file = Path.Combine([AppContext.BaseDirectory, "Vectors", .. path]);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.Clone();
    }

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static byte[] Hex(this JsonElement element, string name) => Convert.FromHexString(element.Text(name));
}
