using KmsSidecar.Json;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>The bodies of the data-key routes, read by one reader: each route says which members it takes.</summary>
internal ref struct DataKeyRequest
{
    /// <summary>Data keys in one answer; more would hold up other callers of the connection.</summary>
    public const int MaxCount = 64;

    /// <summary>Base64 of the largest envelope, with room for the other members.</summary>
    public const int MaxBodyBytes = 256 * 1024;

    public string? KeyId;
    public KeySpec Spec;
    public int? Count;
    public EncryptionContext Context;

    /// <summary>Bytes of <c>ciphertext_blob</c> or <c>plaintext</c> at the front of the buffer; null when there was none.</summary>
    public int? PayloadLength;

    /// <param name="payload">Name of the member with base64 bytes, or null when this route takes none.</param>
    /// <param name="buffer">Receives the payload; the caller wipes it.</param>
    public static DataKeyRequest Read(ReadOnlySpan<byte> body, string? payload, Span<byte> buffer)
    {
        DataKeyRequest request = new() { Context = EncryptionContext.Empty };
        if (body.IsEmpty)
        {
            return request;
        }

        StrictObject members = new(body);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "key_id":
                    request.KeyId = members.KnownTextOrNull(2048);
                    break;
                case "encryption_context":
                    request.Context = ReadContext(ref members);
                    break;
                case "key_spec" when payload is null:
                    request.Spec = KeySpecs.TryParse(members.Text(16), out KeySpec spec)
                        ? spec
                        : throw members.Refuse("must be AES_256, AES_128 or ChaCha20");
                    break;
                case "count" when payload is null:
                    request.Count = (int)members.Number(1, MaxCount);
                    break;
                default:
                    request.PayloadLength = members.Name == payload ? members.Base64(buffer) : throw members.Unknown();
                    break;
            }
        }

        return request;
    }

    /// <summary>The value of an <c>encryption_context</c>; null says nothing.</summary>
    public static EncryptionContext ReadContext(ref StrictObject members)
    {
        if (members.IsNull)
        {
            return EncryptionContext.Empty;
        }

        if (!members.IsObject)
        {
            throw members.Refuse("must be an object of strings");
        }

        return members.Read(static (ref reader, out fault) =>
            EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out fault) ? context! : EncryptionContext.Empty);
    }
}
