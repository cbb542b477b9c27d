using System.Text.Json;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Http;

/// <summary>The server's bound on the strings of one request, names of members among them.</summary>
internal static class JsonLimits
{
    private const int MaxStrings = 1000;

    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static void Check(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        int strings = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && ++strings > MaxStrings)
            {
                throw new VaultFailure(400, "refused JSON input due to high complexity: exceeded maximum number of strings");
            }
        }
    }
}
