using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Bench.Load;

/// <summary>The AWS KMS API as RustFS speaks it: one data key a request, signed where there are credentials.</summary>
/// <remarks>A request is signed once and sent for the whole run, which is shorter than a signature's life: the server verifies each of
/// them, and the client's own signing is not what is measured.</remarks>
internal sealed class AwsForm(string host, (string AccessKey, string Secret)? credentials) : HttpForm
{
    private const string ContentType = "application/x-amz-json-1.1";
    private const string SignedHeaders = "content-type;host;x-amz-date;x-amz-target";

    /// <param name="count">1: the API has no batches.</param>
    public override byte[] Generate(int count) => Request(
        "GenerateDataKey", $$"""{"KeyId":"alias/default","KeySpec":"AES_256","EncryptionContext":{{EncryptionContext}}}""");

    public override byte[] Decrypt(string blob) => Request("Decrypt", $$"""{"CiphertextBlob":{{blob}},"EncryptionContext":{{EncryptionContext}}}""");

    public override (string Key, string Blob) ReadGenerated(JsonElement answer) =>
        (Member(answer, "Plaintext").GetRawText(), Member(answer, "CiphertextBlob").GetRawText());

    private byte[] Request(string operation, string body)
    {
        string target = $"TrentService.{operation}";
        string time = DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string headers = $"Host: {host}\r\nContent-Type: {ContentType}\r\nX-Amz-Target: {target}\r\nX-Amz-Date: {time}\r\n";
        return Post("/", credentials is { } given ? $"{headers}Authorization: {Sign(given.AccessKey, given.Secret, target, time, body)}\r\n" : headers, body);
    }

    /// <summary>AWS Signature Version 4.</summary>
    private string Sign(string accessKey, string secret, string target, string time, string body)
    {
        string scope = $"{time[..8]}/us-east-1/kms/aws4_request";
        string canonical = $"POST\n/\n\ncontent-type:{ContentType}\nhost:{host}\nx-amz-date:{time}\nx-amz-target:{target}\n\n{SignedHeaders}\n{Hash(body)}";
        byte[] key = Encoding.UTF8.GetBytes($"AWS4{secret}");
        foreach (string part in scope.Split('/'))
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        byte[] signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"AWS4-HMAC-SHA256\n{time}\n{scope}\n{Hash(canonical)}"));
        return $"AWS4-HMAC-SHA256 Credential={accessKey}/{scope}, SignedHeaders={SignedHeaders}, Signature={Convert.ToHexStringLower(signature)}";
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
