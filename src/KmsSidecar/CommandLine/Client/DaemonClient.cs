using System.Net.Http.Headers;
using System.Text.Json;
using KmsSidecar.Auth;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Asks a running daemon, over its admin socket as the user who runs the command, or over TCP with a signature.</summary>
/// <remarks>Follows no redirect and asks no proxy: what is sent is for the daemon alone.</remarks>
internal sealed class DaemonClient : IDisposable
{
    private const string AdminPrefix = "/rustfs/admin/v3/kms/";

    /// <summary>More than any answer has.</summary>
    private const int MaxAnswerBytes = 16 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly RequestSigner? _signer;

    /// <param name="where">The socket's path, or the URL.</param>
    /// <param name="handler">That connects to it; taken over.</param>
    /// <param name="signer">Null on a socket, where the kernel says who asks; taken over.</param>
    /// <param name="patience">How long an answer may take.</param>
    public DaemonClient(string where, Uri address, SocketsHttpHandler handler, RequestSigner? signer, TimeSpan patience)
    {
        Where = where;
        _signer = signer;
        handler.UseProxy = false;
        handler.AllowAutoRedirect = false;
        handler.UseCookies = false;
        handler.ActivityHeadersPropagator = null;
        _http = new HttpClient(handler) { BaseAddress = address, Timeout = patience, MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    /// <summary>The socket's path, or the URL, for messages.</summary>
    public string Where { get; }

    /// <param name="route">Behind <c>/rustfs/admin/v3/kms/</c>; may carry a query.</param>
    /// <exception cref="CommandFault">The daemon cannot be asked, or refuses.</exception>
    public Task<JsonElement> GetAsync(string route, CancellationToken cancellation) => SendAsync(HttpMethod.Get, route, default, cancellation);

    /// <param name="route">Behind <c>/rustfs/admin/v3/kms/</c>; may carry a query.</param>
    /// <param name="body">JSON, or empty. The caller wipes it where it holds a secret.</param>
    /// <returns>The answer, which is a success.</returns>
    /// <exception cref="CommandFault">The daemon cannot be asked, or refuses.</exception>
    public async Task<JsonElement> SendAsync(HttpMethod method, string route, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        DaemonAnswer answer = await AskAsync(method, AdminPrefix + route, body, cancellation);
        if (!answer.IsSuccess)
        {
            throw Refusal.Of(answer, Where);
        }

        try
        {
            return JsonElement.Parse(answer.Body.Span);
        }
        catch (JsonException odd)
        {
            throw Unreached.Stranger(Where, odd);
        }
    }

    /// <param name="path">Any absolute path of the daemon.</param>
    /// <returns>Status and body as they come.</returns>
    /// <exception cref="CommandFault">The daemon cannot be asked.</exception>
    public Task<DaemonAnswer> AskAsync(HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellation) =>
        AskAsync(new HttpRequestMessage(method, new Uri(_http.BaseAddress!, path)), body, cancellation);

    /// <summary>Over the AWS KMS API.</summary>
    /// <param name="operation">Such as <c>TrentService.Decrypt</c>.</param>
    /// <inheritdoc cref="AskAsync(HttpMethod, string, ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task<DaemonAnswer> AskAwsAsync(string operation, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        HttpRequestMessage request = new(HttpMethod.Post, _http.BaseAddress);
        request.Headers.TryAddWithoutValidation(SigV4Options.TargetHeader, operation);
        return AskAsync(request, body, cancellation, "application/x-amz-json-1.1");
    }

    public void Dispose()
    {
        _http.Dispose();
        _signer?.Dispose();
    }

    private async Task<DaemonAnswer> AskAsync(
        HttpRequestMessage question, ReadOnlyMemory<byte> body, CancellationToken cancellation, string? contentType = null)
    {
        using HttpRequestMessage request = question;
        try
        {
            request.Content = body.IsEmpty ? null : new ReadOnlyMemoryContent(body);
            if (contentType is not null)
            {
                request.Content!.Headers.ContentType = new MediaTypeHeaderValue(contentType);
            }

            _signer?.Sign(request, body.Span);
            using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
            return new DaemonAnswer(
                (int)response.StatusCode,
                response.Content.Headers.ContentType?.MediaType ?? "",
                await response.Content.ReadAsByteArrayAsync(cancellation));
        }
        catch (HttpRequestException unreached)
        {
            throw Unreached.Explain(Where, Path.IsPathRooted(Where), unreached);
        }
        catch (TaskCanceledException late) when (!cancellation.IsCancellationRequested)
        {
            throw Unreached.Late(Where, _http.Timeout, late);
        }
    }
}
