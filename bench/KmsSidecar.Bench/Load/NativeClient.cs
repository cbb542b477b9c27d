using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Bench.Load;

/// <summary>Asks the data socket for data keys in the native form.</summary>
internal sealed class NativeClient : IKeyClient
{
    // The context that RustFS sends for an object: bucket and path.
    private const string EncryptionContext = """{"bucket":"bucket/path/object.txt"}""";

    private const int MaxQuotedBytes = 300;

    private readonly HttpConnection _connection;
    private readonly byte[] _request;
    private readonly byte[] _expectedBody = [];

    /// <summary>For <see cref="Operation.Decrypt"/>, generates the key that every request then opens.</summary>
    /// <exception cref="IOException">The server refused, or opened the new blob to another key.</exception>
    public NativeClient(Socket socket, Operation operation, int batch)
    {
        _connection = new HttpConnection(socket);
        _request = Post("/v1/generate-data-key", $$"""{"encryption_context":{{EncryptionContext}}}""");
        if (operation == Operation.Decrypt)
        {
            (JsonElement key, JsonElement blob) = GenerateOne();
            _request = Post(
                "/v1/decrypt",
                $$"""{"ciphertext_blob":{{blob.GetRawText()}},"encryption_context":{{EncryptionContext}}}""");
            _expectedBody = OpenOne(key);
        }
        else if (batch > 1)
        {
            _request = Post("/v1/generate-data-key", $$"""{"encryption_context":{{EncryptionContext}},"count":{{batch}}}""");
        }
    }

    public bool TryExchange([NotNullWhen(false)] out string? problem)
    {
        HttpAnswer answer = _connection.Exchange(_request);
        if (!answer.IsSuccess)
        {
            problem = $"status {answer.Status}: {Quote(answer.Body)}";
            return false;
        }

        // The same blob opens to the same bytes every time; a wrong key under load is worse than a slow one.
        if (_expectedBody.Length > 0 && !answer.Body.SequenceEqual(_expectedBody))
        {
            problem = "the answer differs from the first one for the same blob";
            return false;
        }

        problem = null;
        return true;
    }

    public void Dispose() => _connection.Dispose();

    private static byte[] Post(string path, string body)
    {
        string head = $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n";
        return Encoding.UTF8.GetBytes(head + body);
    }

    private static string Quote(ReadOnlySpan<byte> body) =>
        Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxQuotedBytes)]);

    private (JsonElement Key, JsonElement Blob) GenerateOne()
    {
        JsonElement answer = ParseSuccess(_connection.Exchange(_request));
        return (Member(answer, "plaintext_key"), Member(answer, "ciphertext_blob"));
    }

    private byte[] OpenOne(JsonElement expectedKey)
    {
        HttpAnswer answer = _connection.Exchange(_request);
        byte[] body = answer.Body.ToArray();
        if (Member(ParseSuccess(answer), "plaintext_key").GetRawText() != expectedKey.GetRawText())
        {
            throw new IOException("the blob that was just generated opens to another key");
        }

        return body;
    }

    private static JsonElement ParseSuccess(HttpAnswer answer)
    {
        if (!answer.IsSuccess)
        {
            throw new IOException($"status {answer.Status}: {Quote(answer.Body)}");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body.ToArray());
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new IOException($"the answer is not JSON: {Quote(answer.Body)}");
        }
    }

    private static JsonElement Member(JsonElement answer, string name) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(name, out JsonElement member)
            ? member
            : throw new IOException($"the answer has no {name}");
}
