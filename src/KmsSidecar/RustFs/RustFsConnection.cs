using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Auth;
using KmsSidecar.Observability;
using KmsSidecar.Tls;

namespace KmsSidecar.RustFs;

/// <summary>Signed requests to RustFS, and their answers, of bounded length and in bounded time.</summary>
/// <remarks>Follows no redirect and asks no proxy: the signature is for RustFS alone.</remarks>
internal sealed class RustFsConnection : IDisposable
{
    /// <summary>RustFS's longest answer, the status of a large cluster, has a few hundred bytes for each node.</summary>
    public const int MaxAnswerBytes = 64 * 1024;

    /// <summary>For a whole answer. A reconfigure waits for this daemon's answer to ListKeys, which takes milliseconds.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly RustFsSettings _settings;
    private readonly RequestSigner _signer;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http;

    /// <param name="credentials">Taken over.</param>
    public RustFsConnection(RustFsSettings settings, RootCredentials credentials, TimeProvider clock)
    {
        _settings = settings;
        _signer = new RequestSigner(credentials, settings.Region, clock);
        _clock = clock;
        _http = new HttpClient(MakeHandler(settings.Authorities))
        {
            // The clock that is handed in decides instead.
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    /// <inheritdoc cref="RequestSigner.Use"/>
    public void UseCredentials(RootCredentials credentials) => _signer.Use(credentials);

    /// <param name="path">Without a query.</param>
    /// <param name="body">JSON; empty for none.</param>
    /// <returns>Whatever RustFS answers.</returns>
    /// <exception cref="RustFsException">There is no answer, or none that can be taken.</exception>
    public async Task<RustFsAnswer> SendAsync(HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        using CancellationTokenSource late = new(Patience, _clock);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            using HttpRequestMessage request = new(method, new Uri(_settings.Endpoint, path));
            if (!body.IsEmpty)
            {
                request.Content = new ReadOnlyMemoryContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            _signer.Sign(request, body.Span);
            using HttpResponseMessage response = await _http.SendAsync(request, over.Token);
            return new RustFsAnswer((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(over.Token));
        }
        catch (HttpRequestException unreached)
        {
            throw Unreached(unreached);
        }
        catch (OperationCanceledException expired) when (!cancellation.IsCancellationRequested)
        {
            throw new RustFsException($"RustFS at {_settings.EndpointText} did not answer in {Patience.TotalSeconds:0} s", expired);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _signer.Dispose();
    }

    private static SocketsHttpHandler MakeHandler(X509Certificate2Collection? authorities)
    {
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = MaxAnswerBytes / 1024,
        };
        if (authorities is not null)
        {
            handler.SslOptions = TrustedAuthorities.Trust(authorities);
        }

        return handler;
    }

    private RustFsException Unreached(HttpRequestException unreached)
    {
        string endpoint = _settings.EndpointText;
        string reason = (unreached.HttpRequestError, unreached.InnerException) switch
        {
            (HttpRequestError.ConfigurationLimitExceeded, _) => $"the answer of {endpoint} is longer than {MaxAnswerBytes / 1024} KiB: it is not RustFS's",
            (_, SocketException { SocketErrorCode: SocketError.ConnectionRefused }) => $"nothing listens on {endpoint}: RustFS is not there, or --rustfs-endpoint names another port",
            (_, AuthenticationException refused) =>
                $"no TLS with {endpoint}: {refused.Message}; --rustfs-ca-file names the authority that signed RustFS's certificate, --rustfs-endpoint a host that is in it",
            (_, { } cause) => $"RustFS at {endpoint} cannot be asked: {cause.Message}",
            _ => $"RustFS at {endpoint} cannot be asked: {unreached.Message}",
        };
        return new RustFsException(PrintableText.Of(reason), unreached);
    }
}
