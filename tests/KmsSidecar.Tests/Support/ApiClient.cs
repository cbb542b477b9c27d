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

    /// <summary>Unsigned.</summary>
    /// <param name="accept">The content types to ask for.</param>
    public async Task<Answer> GetAcceptingAsync(string target, string accept)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, target);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await SendAsync(request);
    }

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

        return await SendAsync(request);
    }

    /// <summary>An operation of the AWS KMS API.</summary>
    /// <param name="service">Of the signature, on TCP.</param>
    public async Task<Answer> AwsAsync(string operation, string body, string contentType = "application/x-amz-json-1.1", string service = "kms")
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        (string Name, string Value) target = ("x-amz-target", $"TrentService.{operation}");
        if (_credentials is { } credentials)
        {
            foreach ((string name, string value) in Signature.Headers(
                "POST", _http.BaseAddress!.Authority, "/", Encoding.UTF8.GetBytes(body), credentials.AccessKey, credentials.Secret, _sessionToken, _payload,
                service, target))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
        else
        {
            request.Headers.TryAddWithoutValidation(target.Name, target.Value);
        }

        return await SendAsync(request);
    }

    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, IEnumerable<string> values) in response.Headers.Concat(response.Content.Headers))
        {
            headers[name] = string.Join(", ", values);
        }

        return new Answer(
            (int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    private void Sign(HttpRequestMessage request, string target, byte[] body, (string AccessKey, string Secret) credentials)
    {
        foreach ((string name, string value) in Signature.Headers(
            request.Method.Method, _http.BaseAddress!.Authority, target, body, credentials.AccessKey, credentials.Secret, _sessionToken, _payload))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
