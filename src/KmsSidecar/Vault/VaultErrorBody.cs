using System.Text.Json;
using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <summary>What a body with a failure says.</summary>
/// <param name="IsVaults">It is a JSON object with <c>errors</c> or <c>data</c>, as all of Vault's failures are.</param>
/// <param name="Reason">Its errors, printable and bounded; empty when there are none.</param>
/// <param name="IsOfToken">The token itself is refused, and not what it was used for. Vault says the same where an auth method is not mounted.</param>
internal readonly record struct VaultErrorBody(bool IsVaults, string Reason, bool IsOfToken)
{
    /// <summary>Vault joins what belongs together into one text; more than a few are not to be read by anyone.</summary>
    private const int MaxErrors = 4;

    private static readonly VaultErrorBody Foreign = new(IsVaults: false, Reason: "", IsOfToken: false);

    public static VaultErrorBody Read(ReadOnlySpan<byte> body)
    {
        try
        {
            Utf8JsonReader reader = new(body);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? Read(ref reader) : Foreign;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The latter is text that is not UTF-8.
            return Foreign;
        }
    }

    private static VaultErrorBody Read(ref Utf8JsonReader reader)
    {
        bool isVaults = false;
        List<string> errors = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isErrors = reader.ValueTextEquals("errors"u8);
            isVaults |= isErrors || reader.ValueTextEquals("data"u8);
            reader.Read();
            if (isErrors && reader.TokenType == JsonTokenType.StartArray)
            {
                ReadErrors(ref reader, errors);
            }
            else
            {
                reader.Skip();
            }
        }

        // OpenBao, and Vault since 1.16.
        bool isOfToken = errors is ["permission denied"] || errors.Any(static error => error.Contains("* invalid token", StringComparison.Ordinal));
        return new VaultErrorBody(isVaults, PrintableText.Of(string.Join("; ", errors)).Trim(), isOfToken);
    }

    private static void ReadErrors(ref Utf8JsonReader reader, List<string> errors)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.String && errors.Count < MaxErrors)
            {
                errors.Add(reader.GetString()!);
            }
            else
            {
                reader.Skip();
            }
        }
    }
}
