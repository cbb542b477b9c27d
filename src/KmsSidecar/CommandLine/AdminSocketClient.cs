using System.Net.Sockets;
using System.Text.Json;

namespace KmsSidecar.CommandLine;

/// <summary>Asks the running daemon over its admin socket, as the user who runs the command.</summary>
internal sealed class AdminSocketClient : IDisposable
{
    private const string AdminPrefix = "/rustfs/admin/v3/kms/";

    /// <summary>More than any answer has.</summary>
    private const int MaxAnswerBytes = 4 * 1024 * 1024;

    private readonly string _path;
    private readonly HttpClient _http;

    /// <param name="path">Of the socket.</param>
    /// <param name="patience">How long an answer may take.</param>
    /// <exception cref="AdminSocketException">The path is none that a socket can have.</exception>
    public AdminSocketClient(string path, TimeSpan patience)
    {
        UnixDomainSocketEndPoint endpoint;
        try
        {
            endpoint = new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException unusable)
        {
            throw new AdminSocketException(ExitCode.Usage, $"'{path}' cannot be the path of a socket", unusable);
        }

        _path = path;
        SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endpoint, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://kms-sidecar"),
            Timeout = patience,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    /// <param name="route">Behind <c>/rustfs/admin/v3/kms/</c>.</param>
    /// <param name="body">JSON.</param>
    /// <returns>The answer, which is a success.</returns>
    /// <exception cref="AdminSocketException">The daemon cannot be asked, or it refuses; the message is for the user.</exception>
    public async Task<JsonElement> PostAsync(string route, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            using ReadOnlyMemoryContent content = new(body);
            using HttpResponseMessage response = await _http.PostAsync(new Uri(AdminPrefix + route, UriKind.Relative), content, cancellation);
            JsonElement answer = JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(cancellation));
            return response.IsSuccessStatusCode ? answer : throw Refused((int)response.StatusCode, answer);
        }
        catch (HttpRequestException unreached)
        {
            throw Unreached(unreached);
        }
        catch (TaskCanceledException late) when (!cancellation.IsCancellationRequested)
        {
            throw new AdminSocketException(ExitCode.Unavailable, $"the daemon behind {_path} did not answer in {_http.Timeout.TotalSeconds:0} s", late);
        }
        catch (JsonException odd)
        {
            throw new AdminSocketException(ExitCode.Unavailable, $"what answers behind {_path} is not this program's daemon", odd);
        }
    }

    public void Dispose() => _http.Dispose();

    private static AdminSocketException Refused(int status, JsonElement answer)
    {
        string message = answer.ValueKind == JsonValueKind.Object
            && answer.TryGetProperty("message", out JsonElement text)
            && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : $"the daemon answered with status {status}";
        int exitCode = status switch
        {
            403 => ExitCode.NoPermission,
            >= 500 => ExitCode.Unavailable,
            _ => ExitCode.Refused,
        };
        return new AdminSocketException(exitCode, message);
    }

    private AdminSocketException Unreached(HttpRequestException unreached) => (unreached.InnerException as SocketException)?.SocketErrorCode switch
    {
        SocketError.AccessDenied => new AdminSocketException(
            ExitCode.NoPermission, $"no permission for {_path}: it is for root, the daemon's own user and its --admin-group", unreached),
        SocketError.ConnectionRefused => new AdminSocketException(
            ExitCode.Unavailable, $"nothing listens on {_path}: the daemon has ended", unreached),
        _ when !File.Exists(_path) => new AdminSocketException(
            ExitCode.Unavailable, $"there is no socket {_path}: start the daemon, or name its socket with --admin-socket", unreached),
        _ => new AdminSocketException(ExitCode.Unavailable, $"the daemon behind {_path} cannot be asked: {unreached.Message}", unreached),
    };
}

/// <summary>The daemon could not be asked, or refused.</summary>
internal sealed class AdminSocketException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How the command ends: one of <see cref="CommandLine.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
