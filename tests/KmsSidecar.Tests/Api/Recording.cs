using System.Text.Json;

namespace KmsSidecar.Tests.Api;

/// <summary>One exchange with a real RustFS, as it was recorded.</summary>
internal sealed record Recording(string Name, string Method, string Path, string? Request, int Status, JsonElement Response)
{
    public static IEnumerable<Recording> Load(string file) => JsonElement
        .Parse(File.ReadAllBytes(System.IO.Path.Combine(AppContext.BaseDirectory, "Vectors", "rustfs-1.0.0-rc.3", file)))
        .EnumerateArray()
        .Select(static exchange => new Recording(
            exchange.GetProperty("name").GetString()!,
            exchange.GetProperty("method").GetString()!,
            exchange.GetProperty("path").GetString()!,
            exchange.GetProperty("request") is { ValueKind: JsonValueKind.Object } request ? request.GetRawText() : null,
            exchange.GetProperty("status").GetInt32(),
            exchange.GetProperty("response")));

    /// <summary>RustFS answers some failures with 200; this service never does.</summary>
    public bool IsSuccess => Status == 200
        && !(Response.TryGetProperty("success", out JsonElement success) && success.ValueKind == JsonValueKind.False);
}
