using System.Net;
using System.Text;
using System.Text.Json;
using KmsSidecar.Doubles;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>The plainest client: one token, no retry, redirects left alone.</summary>
internal sealed class PlainVaultClient(VaultDouble vault, string? token = null) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = vault.Address };

    /// <summary>Ends what is under way.</summary>
    public CancellationToken Patience { get; init; }

    public void Dispose() => _client.Dispose();

    /// <param name="path">Below <c>/v1/</c>.</param>
    public async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(string method, string path, string? body = null)
    {
        using HttpResponseMessage response = await AskAsync(method, path, body);
        byte[] bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, bytes.Length == 0 ? default : JsonElement.Parse(bytes));
    }

    public async Task<HttpResponseMessage> AskAsync(string method, string path, string? body = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), $"/v1/{path}");
        request.Headers.Add("X-Vault-Token", token ?? vault.RootToken);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(Patience, TestContext.Current.CancellationToken);
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
    }
}
