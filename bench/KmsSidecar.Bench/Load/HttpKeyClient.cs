using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Bench.Load;

/// <summary>Asks for data keys over HTTP.</summary>
internal sealed class HttpKeyClient : IKeyClient
{
    private const int MaxQuotedBytes = 300;

    private readonly HttpConnection _connection;
    private readonly HttpForm _form;
    private readonly byte[] _request;
    private readonly byte[] _expectedBody = [];

    /// <summary>For <see cref="Operation.Decrypt"/>, generates the key that every request then opens.</summary>
    /// <exception cref="IOException">The server refused, or opened the new blob to another key.</exception>
    /// <param name="stream">Becomes this object's own.</param>
    public HttpKeyClient(Stream stream, HttpForm form, Operation operation, int batch)
    {
        _connection = new HttpConnection(stream);
        _form = form;
        _request = form.Generate(operation == Operation.Decrypt ? 1 : batch);
        if (operation == Operation.Decrypt)
        {
            (JsonElement key, JsonElement blob) = GenerateOne();
            _request = form.Decrypt(blob.GetRawText());
            _expectedBody = OpenOne(key);
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

    private static string Quote(ReadOnlySpan<byte> body) =>
        Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxQuotedBytes)]);

    private (JsonElement Key, JsonElement Blob) GenerateOne()
    {
        JsonElement answer = ParseSuccess(_connection.Exchange(_request));
        return (Member(answer, _form.PlaintextMember), Member(answer, _form.BlobMember));
    }

    private byte[] OpenOne(JsonElement expectedKey)
    {
        HttpAnswer answer = _connection.Exchange(_request);
        byte[] body = answer.Body.ToArray();
        if (Member(ParseSuccess(answer), _form.PlaintextMember).GetRawText() != expectedKey.GetRawText())
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
