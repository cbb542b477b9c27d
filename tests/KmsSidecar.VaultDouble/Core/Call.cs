using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Tokens;

namespace KmsSidecar.Doubles.Core;

/// <summary>One request, as the server's insides see it.</summary>
internal sealed class Call(Operation operation, string path, JsonObject? body = null)
{
    public Operation Operation { get; set; } = operation;

    /// <summary>Below <c>/v1/</c> and the namespace; ends with a slash when the operation is a list.</summary>
    public string Path { get; set; } = operation == Operation.List && !path.EndsWith('/') ? $"{path}/" : path;

    public JsonObject Body { get; } = body ?? [];

    public IReadOnlyDictionary<string, string> Query { get; init; } = new Dictionary<string, string>();

    /// <summary>What the header names; the path may name more.</summary>
    public string Namespace { get; init; } = "";

    public string? Token { get; init; }

    public TimeSpan? WrapTtl { get; init; }

    /// <summary>Set once the token has been found good.</summary>
    public Token? Caller { get; set; }

    /// <summary>The server leaves <c>associated_data</c> out of account.</summary>
    public bool IgnoresAssociatedData { get; init; }

    public string? Text(string name) => Body[name] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        JsonNode other => other.ToJsonString(),
    };

    public long? Number(string name) => Text(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    public bool? Flag(string name) => Text(name) is { } text ? bool.Parse(text) : null;

    public TimeSpan? Duration(string name) => Text(name) is { Length: > 0 } text ? GoDuration.Parse(text) : null;

    /// <summary>An array, or one string with commas.</summary>
    public IReadOnlyList<string>? Texts(string name) => Body[name] switch
    {
        null => null,
        JsonArray array => [.. array.Select(static item => item!.GetValue<string>())],
        JsonNode text => text.GetValue<string>().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
    };
}
