using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Tests.Api;
using KmsSidecar.Tests.Auth;

namespace KmsSidecar.Tests.RustFs;

internal enum RustFsFault
{
    None,
    NotReady,
    NotRunning,
    RefusesReconfigure,
    RefusesCredentials,
    Hangs,
    Drips,
    IsTooLong,
    IsNotJson,
    Redirects,
}

internal sealed record RustFsRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, bool IsSigned)
{
    public JsonElement Json => JsonElement.Parse(Body);
}

/// <summary>Answers on a real socket as RustFS 1.0.0-rc.3 has been recorded to, or as badly as it is told to.</summary>
internal sealed class RustFsDouble : IAsyncDisposable
{
    public const string AccessKey = "rustfs-admin";
    public const string Secret = "rustfs-admin-secret-zq7";

    private const string Prefix = "/rustfs/admin/v3/kms/";

    private readonly TcpListener _listener;
    private readonly X509Certificate2? _certificate;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;
    private readonly ConcurrentQueue<RustFsRequest> _requests = [];
    private int _busy;

    /// <param name="certificate">For TLS; null for plain HTTP.</param>
    public RustFsDouble(int port = 0, X509Certificate2? certificate = null, string host = "127.0.0.1")
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _certificate = certificate;
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Endpoint = new Uri($"{(certificate is null ? "http" : "https")}://{host}:{Port}");
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public Uri Endpoint { get; }

    public string BackendType { get; set; } = "aws";

    public string? DefaultKeyId { get; set; } = "alias/default";

    public RustFsFault Fault { get; set; }

    /// <summary>Where a redirect goes.</summary>
    public Uri? Elsewhere { get; set; }

    /// <summary>What happens before a reconfigure is answered.</summary>
    public Func<Task> DuringReconfigure { get; set; } = static () => Task.CompletedTask;

    public IReadOnlyList<RustFsRequest> Requests => [.. _requests];

    public IReadOnlyList<RustFsRequest> Reconfigures => [.. _requests.Where(static request => request.Path == $"{Prefix}reconfigure")];

    /// <summary>A request is under way.</summary>
    public bool IsBusy => Volatile.Read(ref _busy) > 0;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting;
        _listener.Stop();
        _end.Dispose();
    }

    private static JsonObject Recorded(string file, string name) =>
        JsonObject.Create(Recording.Load(file).Single(recording => recording.Name == name).Response)!;

    private static string Xml(string code, string message) =>
        $"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>""";

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        Interlocked.Increment(ref _busy);
        try
        {
            using TcpClient owned = client;
            Stream stream = client.GetStream();
            if (_certificate is not null)
            {
                SslStream tls = new(stream);
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _end.Token);
                stream = tls;
            }

            RustFsRequest request = await ReadAsync(stream);
            _requests.Enqueue(request);
            await AnswerAsync(stream, request);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or System.Security.Authentication.AuthenticationException)
        {
            // The other side has left, or this one is disposed.
        }
        finally
        {
            Interlocked.Decrement(ref _busy);
        }
    }

    private async Task<RustFsRequest> ReadAsync(Stream stream)
    {
        using StreamReader reader = new(stream, Encoding.Latin1, leaveOpen: true);
        string[] start = (await reader.ReadLineAsync(_end.Token) ?? throw new IOException("no request")).Split(' ');
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
        {
            headers.Add(line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Trim());
        }

        char[] body = new char[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture)];
        if (body.Length > 0)
        {
            await reader.ReadBlockAsync(body, _end.Token);
        }

        byte[] bytes = Encoding.Latin1.GetBytes(body);
        return new RustFsRequest(start[0], start[1], headers, bytes, IsSigned(start[0], start[1], headers, bytes));
    }

    /// <summary>By the AWS documentation, with no code of the signer's.</summary>
    private static bool IsSigned(string method, string path, Dictionary<string, string> headers, byte[] body)
    {
        string[] names = ["host", "x-amz-content-sha256", "x-amz-date"];
        if (!headers.TryGetValue("x-amz-date", out string? date) || headers["x-amz-content-sha256"] != SpecSigner.Sha256(body))
        {
            return false;
        }

        string canonical = SpecSigner.CanonicalRequest(
            method, path, "", headers.Select(static header => (header.Key, header.Value)), names, SpecSigner.Sha256(body));
        string signature = SpecSigner.Signature(Secret, date, date[..8], "us-east-1", "s3", canonical);
        return headers.GetValueOrDefault("Authorization") ==
            $"AWS4-HMAC-SHA256 Credential={AccessKey}/{date[..8]}/us-east-1/s3/aws4_request, SignedHeaders={string.Join(';', names)}, Signature={signature}";
    }

    private async Task AnswerAsync(Stream stream, RustFsRequest request)
    {
        switch (Fault)
        {
            case RustFsFault.Hangs:
                // Until the other side gives up.
                while (await stream.ReadAsync(new byte[64], _end.Token) > 0)
                {
                }

                break;
            case RustFsFault.Drips:
                await WriteAsync(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
                while (true)
                {
                    await WriteAsync(stream, " ");
                    await Task.Delay(20, _end.Token);
                }

            case RustFsFault.IsTooLong:
                await SendAsync(stream, 200, new string(' ', 10 * 1024 * 1024));
                break;
            case RustFsFault.IsNotJson:
                await SendAsync(stream, 200, "[\"backend_type\"]");
                break;
            case RustFsFault.Redirects:
                await WriteAsync(stream, $"HTTP/1.1 307 T\r\nLocation: {new Uri(Elsewhere!, request.Path)}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                break;
            case RustFsFault.NotReady:
                await SendAsync(stream, 503, Xml("ServiceUnavailable", "server context is not ready"));
                break;
            case RustFsFault.RefusesCredentials:
                await SendAsync(stream, 403, Xml("InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records."));
                break;
            default:
                await (request.IsSigned
                    ? RouteAsync(stream, request)
                    : SendAsync(stream, 403, Xml("SignatureDoesNotMatch", "The request signature we calculated does not match")));
                break;
        }
    }

    private async Task RouteAsync(Stream stream, RustFsRequest request)
    {
        if (Fault == RustFsFault.NotRunning && request.Method == "GET")
        {
            await SendAsync(stream, 500, Xml("InternalError", "KMS service not initialized"));
            return;
        }

        switch ($"{request.Method} {request.Path[Prefix.Length..]}")
        {
            case "GET status":
                JsonObject status = Recorded("aws/admin.json", "status");
                status["backend_type"] = BackendType;
                status["default_key_id"] = DefaultKeyId;
                await SendAsync(stream, 200, status.ToJsonString());
                break;
            case "GET config":
                JsonObject config = Recorded("admin/playbook-and-keys.json", "config, running");
                config["backend"] = BackendType;
                config["default_key_id"] = DefaultKeyId;
                await SendAsync(stream, 200, config.ToJsonString());
                break;
            case "POST reconfigure":
                await DuringReconfigure();
                await ReconfigureAsync(stream, request);
                break;
            default:
                await SendAsync(stream, 501, """<?xml version="1.0" encoding="UTF-8"?><Error><Code>NotImplemented</Code></Error>""");
                break;
        }
    }

    private async Task ReconfigureAsync(Stream stream, RustFsRequest request)
    {
        if (Fault == RustFsFault.RefusesReconfigure)
        {
            await SendAsync(stream, 200, """{"success":false,"message":"Failed to reconfigure KMS: Configuration error:\u001b[31m no","status":"Running"}""");
            return;
        }

        DefaultKeyId = request.Json.GetProperty("default_key_id").GetString();
        await SendAsync(stream, 200, """{"success":true,"message":"KMS reconfigured and restarted successfully","status":"Running"}""");
    }

    private Task SendAsync(Stream stream, int status, string body) =>
        WriteAsync(stream, $"HTTP/1.1 {status} T\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}");

    private async Task WriteAsync(Stream stream, string text)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), _end.Token);
        await stream.FlushAsync(_end.Token);
    }
}
