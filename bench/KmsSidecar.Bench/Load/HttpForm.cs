using System.Text;

namespace KmsSidecar.Bench.Load;

/// <summary>How a request for a data key looks over HTTP, and what the members of its answer are called.</summary>
internal abstract class HttpForm
{
    // The context that RustFS sends for an object: bucket and path.
    protected const string EncryptionContext = """{"bucket":"bucket/path/object.txt"}""";

    public abstract string PlaintextMember { get; }

    public abstract string BlobMember { get; }

    public abstract byte[] Generate(int count);

    /// <param name="blob">As JSON, with its quotes.</param>
    public abstract byte[] Decrypt(string blob);

    protected static byte[] Post(string path, string headers, string body) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");
}

/// <summary>The data socket's own form.</summary>
internal sealed class NativeForm : HttpForm
{
    private const string Headers = "Host: localhost\r\nContent-Type: application/json\r\n";

    public override string PlaintextMember => "plaintext_key";

    public override string BlobMember => "ciphertext_blob";

    public override byte[] Generate(int count) => Post(
        "/v1/generate-data-key", Headers, $$"""{"encryption_context":{{EncryptionContext}}{{(count > 1 ? $",\"count\":{count}" : "")}}}""");

    public override byte[] Decrypt(string blob) => Post(
        "/v1/decrypt", Headers, $$"""{"ciphertext_blob":{{blob}},"encryption_context":{{EncryptionContext}}}""");
}
