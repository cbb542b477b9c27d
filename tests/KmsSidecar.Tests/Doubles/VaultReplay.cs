using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>Sends a recording's requests to the double in their order, and notes what is answered otherwise.</summary>
internal sealed class VaultReplay(VaultDouble vault, FakeTimeProvider clock) : IDisposable
{
    /// <summary>In the place of an exchange: a token that no server made.</summary>
    public const int Nobody = -1;

    private readonly ReplayBook _book = new();
    private readonly HttpClient _client = new() { BaseAddress = vault.Address };
    private VaultExchange[] _exchanges = [];

    /// <summary>Whose token a request had, where it was not root's: from and to which exchange, and the exchange that made it.</summary>
    public required (int From, int To, int MadeBy)[] Bearers { get; init; }

    /// <summary>The time that passed before an exchange.</summary>
    public required IReadOnlyDictionary<int, TimeSpan> Pauses { get; init; }

    /// <summary>Bodies that are only told about in the recording.</summary>
    public IReadOnlyDictionary<string, Func<string>> Bodies { get; init; } = new Dictionary<string, Func<string>>();

    public void Dispose() => _client.Dispose();

    public async Task<IReadOnlyList<string>> RunAsync(VaultExchange[] exchanges)
    {
        _exchanges = exchanges;
        AnswerComparison comparison = new(_book);
        List<string> differences = [];
        foreach (VaultExchange exchange in exchanges)
        {
            clock.Advance(Pauses.GetValueOrDefault(exchange.Index));
            using HttpRequestMessage request = Request(exchange);
            using HttpResponseMessage response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
            byte[] body = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            differences.AddRange(Compare(comparison, exchange, response, body).Select(difference => $"#{exchange.Index} {exchange.Name}: {difference}"));
        }

        return differences;
    }

    private static IEnumerable<string> Compare(AnswerComparison comparison, VaultExchange exchange, HttpResponseMessage response, byte[] body)
    {
        if ((int)response.StatusCode != exchange.Status)
        {
            return [$"{(int)response.StatusCode} instead of {exchange.Status}: {Encoding.UTF8.GetString(body)}"];
        }

        IEnumerable<string> headers = exchange.ResponseHeaders
            .Where(header => HeaderOf(response, header.Key) != header.Value)
            .Select(header => $"{header.Key} is {HeaderOf(response, header.Key)}");
        if (body.Length == 0)
        {
            return exchange.Response.ValueKind == JsonValueKind.Null ? headers : [.. headers, "no body"];
        }

        return [.. headers, .. comparison.Compare(exchange.Response, JsonElement.Parse(body), exchange.Path.Contains("/datakey/", StringComparison.Ordinal))];
    }

    private static string? HeaderOf(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) || response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : null;

    private HttpRequestMessage Request(VaultExchange exchange)
    {
        HttpRequestMessage request = new(new HttpMethod(exchange.Method), exchange.Path);
        foreach ((string name, string value) in exchange.RequestHeaders.Where(static header => header.Key != "Content-Type"))
        {
            request.Headers.Add(name, name == "X-Vault-Token" ? TokenFor(exchange) : value);
        }

        if (exchange.Request.ValueKind == JsonValueKind.Object)
        {
            string body = Bodies.TryGetValue(exchange.Name, out Func<string>? made) ? made()
                : exchange.Request.TryGetProperty("text", out JsonElement text) ? text.GetString()!
                : _book.Translate(JsonObject.Create(exchange.Request))!.ToJsonString();
            request.Content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
        }

        return request;
    }

    private string TokenFor(VaultExchange exchange)
    {
        int[] madeBy = [.. Bearers.Where(bearer => bearer.From <= exchange.Index && exchange.Index <= bearer.To).Select(static bearer => bearer.MadeBy)];
        if (madeBy.Length == 0)
        {
            return vault.RootToken;
        }

        if (madeBy[0] == Nobody)
        {
            return "s.thisIsNoTokenOfThatServer0";
        }

        JsonElement response = _exchanges[madeBy[0]].Response;
        return _book.Translate(response.GetProperty("auth") is { ValueKind: JsonValueKind.Object } auth
            ? auth.GetProperty("client_token").GetString()!
            : response.GetProperty("wrap_info").GetProperty("token").GetString()!);
    }
}
