using System.Text.Json;
using KmsSidecar.Observability;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Members of a daemon's answer. A daemon of another version may leave out what this one has: what is not there is null.</summary>
internal static class AnswerElement
{
    /// <summary>More than the longest description of a key.</summary>
    private const int MaxShownChars = 10_000;

    /// <summary>Null unless it is an object with that member, which is not JSON's null.</summary>
    public static JsonElement? Member(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null
            ? member
            : null;

    public static string? Text(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>A text, a number or a flag, fit for a terminal; null when there is none.</summary>
    public static string? Shown(this JsonElement element, string name) => element.Member(name)?.Shown();

    public static string Shown(this JsonElement element) => PrintableText.Of(
        element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText(), MaxShownChars);

    /// <summary>The items of an array, fit for a terminal, between commas.</summary>
    public static string Listed(this JsonElement element, string name) => string.Join(", ", Array.ConvertAll(element.Items(name), Shown));

    public static long? Number(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out long value) ? value : null;

    public static bool? Flag(this JsonElement element, string name) => element.Member(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>Empty when there is no such array.</summary>
    public static JsonElement[] Items(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Array } array ? [.. array.EnumerateArray()] : [];
}
