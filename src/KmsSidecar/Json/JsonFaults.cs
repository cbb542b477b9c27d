using System.Globalization;
using System.Text.Json;
using KmsSidecar.Errors;

namespace KmsSidecar.Json;

/// <summary>What callers are told of JSON that is not taken.</summary>
internal static class JsonFaults
{
    private const int MaxShownNameLength = 64;

    public static KmsException Fault(string message) => new(KmsError.MalformedRequest, message);

    public static KmsException Malformed(JsonException at) => Fault(string.Create(
        CultureInfo.InvariantCulture,
        $"malformed JSON at line {(at.LineNumber ?? 0) + 1}, column {(at.BytePositionInLine ?? 0) + 1}"));

    /// <summary>Keeps an answer from being as long as what it complains about, and whole characters whole.</summary>
    public static string Shorten(string name)
    {
        if (name.Length <= MaxShownNameLength)
        {
            return name;
        }

        int end = char.IsHighSurrogate(name[MaxShownNameLength - 1]) ? MaxShownNameLength - 1 : MaxShownNameLength;
        return string.Concat(name.AsSpan(0, end), "…");
    }

    /// <summary>What messages call a kind of value.</summary>
    public static string NameOf(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => "something else",
    };
}
