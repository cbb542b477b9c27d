using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace KmsSidecar.Tests.Vault;

internal sealed record ScriptedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name);
}

/// <summary>What a server writes to its connection, byte for byte.</summary>
internal delegate Task ScriptedAnswer(Stream stream, CancellationToken end);

/// <summary>An HTTP server on a real socket that answers each request with what a function says: for what no sound server does.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private const string LookupPath = "/v1/auth/token/lookup-self";

    private readonly TcpListener _listener;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;
    private readonly ConcurrentQueue<ScriptedRequest> _requests = [];
    private int _connections;
    private bool _isOpened;

    /// <param name="answer">To all but the look at the token when a client opens: that is a root token's.</param>
    public ScriptedServer(Func<ScriptedRequest, ScriptedAnswer> answer, X509Certificate2? certificate = null, bool asksForCertificate = false, int port = 0)
    {
        Answer = answer;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        if (certificate is not null)
        {
            _tls = new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ClientCertificateRequired = asksForCertificate,
                RemoteCertificateValidationCallback = (_, client, _, _) => !asksForCertificate || client is not null,
            };
        }

        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Address = new Uri($"{(certificate is null ? "http" : "https")}://{(certificate is null ? "127.0.0.1" : "localhost")}:{Port}");
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public Uri Address { get; }

    /// <summary>May be changed while requests come.</summary>
    public Func<ScriptedRequest, ScriptedAnswer> Answer { get; set; }

    /// <summary>Without the look at the token when a client opens.</summary>
    public IReadOnlyList<ScriptedRequest> Requests => [.. _requests.SkipWhile(static request => request.Path == LookupPath)];

    public int Connections => Volatile.Read(ref _connections);

    public static ScriptedAnswer Reply(int status, string body, string headers = "") => (stream, end) => WriteAsync(
        stream, $"HTTP/1.1 {status} T\r\nContent-Type: application/json\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}", end);

    /// <summary>Vault's form of a failure.</summary>
    public static ScriptedAnswer Errors(int status, string error, string headers = "") =>
        Reply(status, $$"""{"errors":[{{System.Text.Json.JsonSerializer.Serialize(error)}}]}""", headers);

    public static ScriptedAnswer Raw(string text) => (stream, end) => WriteAsync(stream, text, end);

    /// <summary>Says nothing until the other side or the server leaves.</summary>
    public static ScriptedAnswer Hang => static (_, end) => Task.Delay(Timeout.Infinite, end);

    /// <summary>Some of an answer, and then the end of the connection.</summary>
    public static ScriptedAnswer Cut(string text) => async (stream, end) =>
    {
        await WriteAsync(stream, text, end);
        throw new IOException("cut");
    };

    /// <summary>A head that promises 4,000 bytes, and then one of them every few milliseconds.</summary>
    public static ScriptedAnswer Drip => static async (stream, end) =>
    {
        await WriteAsync(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{", end);
        while (true)
        {
            await WriteAsync(stream, " ", end);
            await Task.Delay(5, end);
        }
    };

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting;
        _listener.Stop();
        _end.Dispose();
    }

    private ScriptedAnswer RootToken()
    {
        _isOpened = true;
        return Reply(200, """{"data":{"creation_ttl":0,"ttl":0,"renewable":false}}""");
    }

    private static async Task WriteAsync(Stream stream, string text, CancellationToken end)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), end);
        await stream.FlushAsync(end);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(client);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using TcpClient owned = client;
            Stream stream = client.GetStream();
            if (_tls is not null)
            {
                SslStream secure = new(stream);
                await secure.AuthenticateAsServerAsync(_tls, _end.Token);
                stream = secure;
            }

            while (await ReadAsync(stream) is { } request)
            {
                _requests.Enqueue(request);
                await (_isOpened || request.Path != LookupPath ? Answer(request) : RootToken())(stream, _end.Token);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or AuthenticationException)
        {
            // The other side has left, the script says so, or this one is disposed.
        }
    }

    /// <summary>Null when the other side has closed the connection.</summary>
    private async Task<ScriptedRequest?> ReadAsync(Stream stream)
    {
        string head = "";
        byte[] one = new byte[1];
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _end.Token) == 0)
            {
                return null;
            }

            head += (char)one[0];
        }

        string[] lines = head.TrimEnd().Split("\r\n");
        string[] start = lines[0].Split(' ');
        Dictionary<string, string> headers = lines.Skip(1).ToDictionary(
            static line => line[..line.IndexOf(':')], static line => line[(line.IndexOf(':') + 1)..].Trim(), StringComparer.OrdinalIgnoreCase);
        byte[] body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _end.Token);
        return new ScriptedRequest(start[0], start[1], headers, Encoding.UTF8.GetString(body));
    }
}
