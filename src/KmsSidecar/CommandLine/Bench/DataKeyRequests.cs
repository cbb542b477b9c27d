using System.Globalization;
using System.Text;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>What the data socket is asked, prepared so that asking costs next to nothing.</summary>
internal static class DataKeyRequests
{
    /// <param name="keyId">Null for the default key.</param>
    public static byte[] Generate(string? keyId) => Post("generate-data-key", "key_id", keyId);

    /// <param name="answer">To a generate.</param>
    public static byte[] Decrypt(ReadOnlySpan<byte> answer) =>
        Post("decrypt", "ciphertext_blob", JsonElement.Parse(answer).Text("ciphertext_blob"));

    private static byte[] Post(string route, string member, string? value)
    {
        using SecretBuffer body = AdminRequest.WriteBody(writer =>
        {
            if (value is not null)
            {
                writer.WriteString(member, value);
            }
        });
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v1/{route} HTTP/1.1\r\nHost: kms-sidecar\r\nContent-Type: application/json\r\nContent-Length: {body.WrittenSpan.Length}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. body.WrittenSpan];
    }
}
