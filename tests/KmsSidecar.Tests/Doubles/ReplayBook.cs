using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KmsSidecar.Tests.Doubles;

/// <summary>What the recorded server made up, and what the double made up in its place: one for one.</summary>
internal sealed class ReplayBook
{
    private readonly Dictionary<string, string> _own = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _recorded = new(StringComparer.Ordinal);

    /// <summary>False when either of the two already stands for another.</summary>
    public bool TryPair(string recorded, string own)
    {
        _own.TryAdd(recorded, own);
        _recorded.TryAdd(own, recorded);
        return _own[recorded] == own && _recorded[own] == recorded;
    }

    /// <summary>The request as the double must get it.</summary>
    [return: NotNullIfNotNull(nameof(request))]
    public JsonNode? Translate(JsonNode? request) => request switch
    {
        JsonObject fields => new JsonObject(fields.Select(field => KeyValuePair.Create(field.Key, Translate(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Translate)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Translate(value.GetValue<string>())),
        _ => request?.DeepClone(),
    };

    public string Translate(string recorded) => _own.GetValueOrDefault(recorded) ?? TranslateTamperedCiphertext(recorded) ?? recorded;

    /// <summary>The recorder cut a ciphertext short, and gave one another version: the same is done to the double's.</summary>
    private string? TranslateTamperedCiphertext(string recorded)
    {
        string[] parts = recorded.Split(':');
        if (parts is not ["vault", _, { Length: > 8 } payload])
        {
            return null;
        }

        string? whole = _own.Keys.FirstOrDefault(key => key.StartsWith("vault:", StringComparison.Ordinal) && key.Split(':')[2].StartsWith(payload, StringComparison.Ordinal));
        return whole is null ? null : $"vault:{parts[1]}:{_own[whole].Split(':')[2][..payload.Length]}";
    }
}
