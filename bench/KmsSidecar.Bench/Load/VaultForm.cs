using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Bench.Load;

/// <summary>Vault's or OpenBao's Transit, asked as an application does that has no sidecar: one data key a request, sealed with its context.</summary>
/// <param name="host">As the header has it.</param>
/// <param name="key">Its name in the mount <c>transit</c>.</param>
internal sealed class VaultForm(string host, string token, string key) : HttpForm
{
    private static readonly string AssociatedData = Convert.ToBase64String(Encoding.UTF8.GetBytes(EncryptionContext));

    private readonly string _headers = $"Host: {host}\r\nX-Vault-Token: {token}\r\nX-Vault-Request: true\r\nContent-Type: application/json\r\n";

    /// <summary>32 bytes that are digits: their base64 has no character that any JSON writer escapes.</summary>
    private readonly string _dataKey = Convert.ToBase64String(Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(32)));

    /// <param name="count">1: an application that would gather batches is what is not measured.</param>
    public override byte[] Generate(int count) => Post(
        $"/v1/transit/encrypt/{key}", _headers, $$"""{"plaintext":"{{_dataKey}}","associated_data":"{{AssociatedData}}"}""");

    public override byte[] Decrypt(string blob) => Post(
        $"/v1/transit/decrypt/{key}", _headers, $$"""{"ciphertext":{{blob}},"associated_data":"{{AssociatedData}}"}""");

    public override (string Key, string Blob) ReadGenerated(JsonElement answer) =>
        ($"\"{_dataKey}\"", Member(Member(answer, "data"), "ciphertext").GetRawText());
}
