using System.Text;
using System.Text.Json;

namespace KmsSidecar.Bench.Load;

/// <summary>How a request for a data key looks over HTTP, and where in the answer it is.</summary>
internal abstract class HttpForm
{
    // The context that RustFS sends for an object: bucket and path.
    protected const string EncryptionContext = """{"bucket":"bucket/path/object.txt"}""";

    public abstract byte[] Generate(int count);

    /// <param name="blob">As JSON, with its quotes.</param>
    public abstract byte[] Decrypt(string blob);

    /// <returns>Both as JSON, with their quotes. An answer to <see cref="Decrypt"/> has the key in the same form.</returns>
    /// <exception cref="IOException">They are not in it.</exception>
    public abstract (string Key, string Blob) ReadGenerated(JsonElement answer);

    protected static JsonElement Member(JsonElement answer, string name) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(name, out JsonElement member)
            ? member
            : throw new IOException($"the answer has no {name}");

    protected static byte[] Post(string path, string headers, string body) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");
}

/// <summary>The data socket's own form.</summary>
internal sealed class NativeForm : HttpForm
{
    private const string Headers = "Host: localhost\r\nContent-Type: application/json\r\n";

    public override byte[] Generate(int count) => Post(
        "/v1/generate-data-key", Headers, $$"""{"encryption_context":{{EncryptionContext}}{{(count > 1 ? $",\"count\":{count}" : "")}}}""");

    public override byte[] Decrypt(string blob) => Post(
        "/v1/decrypt", Headers, $$"""{"ciphertext_blob":{{blob}},"encryption_context":{{EncryptionContext}}}""");

    public override (string Key, string Blob) ReadGenerated(JsonElement answer) =>
        (Member(answer, "plaintext_key").GetRawText(), Member(answer, "ciphertext_blob").GetRawText());
}
