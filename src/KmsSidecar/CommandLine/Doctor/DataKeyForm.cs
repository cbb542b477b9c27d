using System.Buffers;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>How a data key is asked for, in one of the two forms: the same members under other names.</summary>
/// <param name="Generate">A path, or an operation of AWS KMS.</param>
internal sealed record DataKeyForm(
    string Generate, string Decrypt, bool IsAws, string KeyId, string KeySpec, string Context, string Plaintext, string Blob)
{
    /// <summary>Of AES_256.</summary>
    public const int KeyBytes = 32;

    public static readonly DataKeyForm Native = new(
        "/v1/generate-data-key", "/v1/decrypt", IsAws: false, "key_id", "key_spec", "encryption_context", "plaintext_key", "ciphertext_blob");

    public static readonly DataKeyForm Aws = new(
        "TrentService.GenerateDataKey", "TrentService.Decrypt", IsAws: true, "KeyId", "KeySpec", "EncryptionContext", "Plaintext", "CiphertextBlob");

    /// <summary>Takes no keys back.</summary>
    public static readonly DataKeyForm Admin = Native with { Generate = "/rustfs/admin/v3/kms/generate-data-key" };

    /// <summary>Of the default key, whichever it is.</summary>
    public ReadOnlyMemory<byte> GenerateBody() => Write(writer =>
    {
        writer.WriteString(KeyId, "alias/default");
        writer.WriteString(KeySpec, "AES_256");
    });

    public ReadOnlyMemory<byte> DecryptBody(byte[] blob) => Write(writer => writer.WriteBase64String(Blob, blob));

    public Task<DaemonAnswer> AskAsync(DaemonClient daemon, string operation, ReadOnlyMemory<byte> body, CancellationToken cancellation) =>
        IsAws ? daemon.AskAwsAsync(operation, body, cancellation) : daemon.AskAsync(HttpMethod.Post, operation, body, cancellation);

    /// <summary>The bytes of a base64 member, without a string on the way; empty when there is none. The caller wipes them.</summary>
    public static byte[] Bytes(DaemonAnswer answer, string member)
    {
        try
        {
            Utf8JsonReader reader = new(answer.Body.Span);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals(member) && reader.Read()
                    && reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out byte[]? bytes))
                {
                    return bytes;
                }
            }
        }
        catch (JsonException)
        {
            // Something else answers.
        }

        return [];
    }

    private ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> body = new();
        using (Utf8JsonWriter writer = new(body))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteStartObject(Context);
            writer.WriteString("purpose", "kms-sidecar doctor");
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return body.WrittenMemory;
    }
}
