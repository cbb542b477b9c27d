using System.Net.Sockets;
using System.Text;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>A well-behaved client of one surface, which signs when it has credentials.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly (string AccessKey, string Secret)? _credentials;
    private readonly string? _sessionToken;
    private readonly string? _payload;

    private ApiClient(HttpClient http, (string AccessKey, string Secret)? credentials, string? sessionToken = null, string? payload = null)
    {
        _http = http;
        _credentials = credentials;
        _sessionToken = sessionToken;
        _payload = payload;
    }

    public static ApiClient OverTcp(Uri address, (string AccessKey, string Secret)? credentials, string? sessionToken = null, string? payload = null) =>
        new(new HttpClient { BaseAddress = address }, credentials, sessionToken, payload);

    public static ApiClient OverUnix(string path)
    {
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new ApiClient(new HttpClient(handler) { BaseAddress = new Uri("http://kms") }, credentials: null);
    }

    public Task<Answer> GetAsync(string target, string? body = null) => SendAsync("GET", target, body);

    public Task<Answer> PostAsync(string target, string? body = null) => SendAsync("POST", target, body);

    public Task<Answer> SendAsync(string method, string target, string? body = null) =>
        SendAsync(method, target, body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)));

    /// <param name="content">Its length is sent when it knows it; otherwise it goes in chunks.</param>
    public async Task<Answer> SendAsync(string method, string target, HttpContent? content)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), target) { Content = content };
        if (_credentials is { } credentials)
        {
            byte[] body = content is null ? [] : await content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            Sign(request, target, body, credentials);
        }

        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, IEnumerable<string> values) in response.Headers.Concat(response.Content.Headers))
        {
            headers[name] = string.Join(", ", values);
        }

        return new Answer(
            (int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose() => _http.Dispose();

    private void Sign(HttpRequestMessage request, string target, byte[] body, (string AccessKey, string Secret) credentials)
    {
        foreach ((string name, string value) in Signature.Headers(
            request.Method.Method, _http.BaseAddress!.Authority, target, body, credentials.AccessKey, credentials.Secret, _sessionToken, _payload))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
