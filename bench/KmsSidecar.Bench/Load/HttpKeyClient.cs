using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Load;

/// <summary>Asks for data keys over HTTP.</summary>
internal sealed class HttpKeyClient : IKeyClient
{
    private const int MaxQuotedBytes = 300;

    /// <summary>RustFS asks twice for the key of an object that it reads.</summary>
    private const int OpensInARow = 2;

    private readonly HttpConnection _connection;

    /// <summary>Taken in turn. The key is null where the answer has a new one.</summary>
    private readonly (byte[] Request, byte[]? Key)[] _exchanges;
    private int _next;

    /// <summary>For <see cref="Operation.Decrypt"/>, generates the keys that the requests then open.</summary>
    /// <exception cref="IOException">The server refused.</exception>
    public HttpKeyClient(Func<Stream> open, HttpForm form, LoadOptions options)
    {
        _connection = new HttpConnection(open(), options.Reconnects ? open : null);
        _exchanges = options.Operation == Operation.Decrypt
            ? [.. Enumerable.Range(0, options.Keys).SelectMany(_ => Enumerable.Repeat(Opening(form), OpensInARow))]
            : [(form.Generate(options.Batch), null)];
    }

    public int Reopened => _connection.Reopened;

    public bool TryExchange([NotNullWhen(false)] out string? problem)
    {
        (byte[] request, byte[]? key) = _exchanges[_next];
        _next = (_next + 1) % _exchanges.Length;
        HttpAnswer answer = _connection.Exchange(request);
        if (!answer.IsSuccess)
        {
            problem = $"status {answer.Status}: {Quote(answer.Body)}";
            return false;
        }

        // A wrong key under load is worse than a slow one.
        if (key is not null && answer.Body.IndexOf(key) < 0)
        {
            problem = "the answer does not have the key that the blob was generated with";
            return false;
        }

        problem = null;
        return true;
    }

    public void Dispose() => _connection.Dispose();

    private static string Quote(ReadOnlySpan<byte> body) =>
        Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxQuotedBytes)]);

    private (byte[] Request, byte[]? Key) Opening(HttpForm form)
    {
        HttpAnswer answer = _connection.Exchange(form.Generate(count: 1));
        if (!answer.IsSuccess)
        {
            throw new IOException($"status {answer.Status}: {Quote(answer.Body)}");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body.ToArray());
            (string key, string blob) = form.ReadGenerated(document.RootElement);
            return (form.Decrypt(blob), Encoding.UTF8.GetBytes(key));
        }
        catch (JsonException)
        {
            throw new IOException($"the answer is not JSON: {Quote(answer.Body)}");
        }
    }
}
