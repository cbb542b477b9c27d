using System.Text.Json;

namespace KmsSidecar.Tests.Doubles;

/// <summary>One exchange with a real OpenBao 2.6.2, as it was recorded. Tokens in request headers are blanked.</summary>
internal sealed record VaultExchange(
    int Index,
    string Name,
    string Method,
    string Path,
    IReadOnlyDictionary<string, string> RequestHeaders,
    JsonElement Request,
    int Status,
    IReadOnlyDictionary<string, string> ResponseHeaders,
    JsonElement Response)
{
    public static VaultExchange[] Load(string file) =>
    [
        .. JsonElement.Parse(File.ReadAllBytes(System.IO.Path.Combine(AppContext.BaseDirectory, "Vectors", "openbao-2.6.2", file)))
            .EnumerateArray()
            .Select(static (exchange, index) => new VaultExchange(
                index,
                exchange.GetProperty("name").GetString()!,
                exchange.GetProperty("method").GetString()!,
                exchange.GetProperty("path").GetString()!,
                Headers(exchange.GetProperty("request_headers")),
                exchange.GetProperty("request"),
                exchange.GetProperty("status").GetInt32(),
                Headers(exchange.GetProperty("response_headers")),
                exchange.GetProperty("response"))),
    ];

    private static Dictionary<string, string> Headers(JsonElement headers) =>
        headers.EnumerateObject().ToDictionary(static header => header.Name, static header => header.Value.GetString()!);
}
