using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>Tells which key a request is about before the request is parsed, by the rule by which its handler will find it.</summary>
/// <remarks>A policy must be judged on the key that will be acted on, whatever name it goes by. Where that cannot be told (text that is no
/// JSON, a repeated member, a wrong type) the answer is no key, and the handler's own reader refuses the request.</remarks>
internal static class KeyInQuestion
{
    /// <summary>Longer than the name of any key: local ones are file names.</summary>
    private const int MaxIdLength = 256;

    private static readonly string[] QueryNames = ["keyId", "key-id", "key"];

    /// <returns>The key's id; null when the request is about no one key, or names none that could exist.</returns>
    public static async ValueTask<string?> FindAsync(Snapshot snapshot, Call call, KeyScope scope)
    {
        if (scope == KeyScope.AwsCiphertextBlob)
        {
            return EnvelopeKeyId(call.Body.Span);
        }

        (bool isNamed, string? reference) = ReferenceIn(call, scope);
        if (!isNamed)
        {
            return null;
        }

        (KmsError error, string id) = await KeyReference.ResolveAsync(snapshot, reference, call.Cancellation);
        return error == KmsError.None && id.Length <= MaxIdLength ? id : null;
    }

    /// <summary>The name that the request gives the key.</summary>
    /// <returns>False for no key; a null reference is the default key.</returns>
    public static (bool IsNamed, string? Reference) ReferenceIn(Call call, KeyScope scope)
    {
        switch (scope)
        {
            case KeyScope.Path:
                return (true, call.PathParameter);
            case KeyScope.Query:
                return Named(QueryNames.Select(call.Query.GetValueOrDefault).FirstOrDefault(static value => value?.Length > 0));
            case KeyScope.Body when call.Body.IsEmpty:
                return Named(call.Query.GetValueOrDefault("keyId"));
            case KeyScope.Body:
                return Named(TryRead(call.Body.Span, "key_id"u8, out string? inBody) ? inBody : null);
            case KeyScope.BodyOrDefault when call.Body.IsEmpty:
                return (true, null);
            case KeyScope.BodyOrDefault:
                return TryRead(call.Body.Span, "key_id"u8, out string? orDefault) ? (true, orDefault) : (false, null);
            case KeyScope.AwsKeyId:
                return Named(TryRead(call.Body.Span, "KeyId"u8, out string? aws) ? aws : null);
            case KeyScope.AwsKeyIdOrDefault:
                return TryRead(call.Body.Span, "KeyId"u8, out string? awsOrDefault) ? (true, awsOrDefault) : (false, null);
            case KeyScope.AwsDestinationKeyId:
                return Named(TryRead(call.Body.Span, "DestinationKeyId"u8, out string? destination) ? destination : null);
            default:
                return (false, null);
        }
    }

    private static (bool IsNamed, string? Reference) Named(string? reference) => (!string.IsNullOrEmpty(reference), reference);

    /// <summary>The key is the one that the envelope names, to the letter: nothing stands for another one there.</summary>
    private static string? EnvelopeKeyId(ReadOnlySpan<byte> body) =>
        TryRead(body, "CiphertextBlob"u8, out string? text) && text is not null && TryDecode(text, out byte[]? blob)
            && Envelope.TryParse(blob, out Envelope? envelope) && envelope.MasterKeyId.Length <= MaxIdLength
            ? envelope.MasterKeyId
            : null;

    private static bool TryDecode(string base64, [NotNullWhen(true)] out byte[]? bytes)
    {
        byte[] room = new byte[base64.Length / 4 * 3];
        bool isBase64 = Convert.TryFromBase64String(base64, room, out int length);
        bytes = isBase64 ? room[..length] : null;
        return isBase64;
    }

    /// <summary>Reads a member of an object; null when it has none of the name, or when that is <c>null</c>.</summary>
    /// <returns>False where it cannot be told.</returns>
    private static bool TryRead(ReadOnlySpan<byte> body, ReadOnlySpan<byte> member, out string? reference)
    {
        reference = null;
        bool isThere = false;
        try
        {
            Utf8JsonReader reader = new(body);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isAsked = reader.ValueTextEquals(member);
                reader.Read();
                if (isAsked && (isThere || reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null)))
                {
                    return false;
                }

                if (isAsked)
                {
                    isThere = true;
                    reference = reader.GetString();
                }

                reader.Skip();
            }

            // What follows the object is a fault, too.
            return !reader.Read();
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
