using System.Text.Json;
using KmsSidecar.Errors;
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
                return Named(TryRead(call.Body.Span, out string? inBody) ? inBody : null);
            case KeyScope.BodyOrDefault when call.Body.IsEmpty:
                return (true, null);
            case KeyScope.BodyOrDefault:
                return TryRead(call.Body.Span, out string? orDefault) ? (true, orDefault) : (false, null);
            default:
                return (false, null);
        }
    }

    private static (bool IsNamed, string? Reference) Named(string? reference) => (!string.IsNullOrEmpty(reference), reference);

    /// <summary>Reads member <c>key_id</c> of an object; null when it has none, or when that is <c>null</c>.</summary>
    /// <returns>False where it cannot be told.</returns>
    private static bool TryRead(ReadOnlySpan<byte> body, out string? reference)
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
                bool isKeyId = reader.ValueTextEquals("key_id"u8);
                reader.Read();
                if (isKeyId && (isThere || reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null)))
                {
                    return false;
                }

                if (isKeyId)
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
