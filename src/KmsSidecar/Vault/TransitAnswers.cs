using System.Text.Json;
using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <summary>Reads what Transit answers to encrypt and decrypt, each result straight into its item. Never throws.</summary>
internal static class TransitAnswers
{
    /// <summary>The answer to a single call.</summary>
    /// <returns>False when there is no result in it.</returns>
    public static bool TryReadSingle(ReadOnlySpan<byte> body, TransitItem item)
    {
        try
        {
            Utf8JsonReader json = new(body);
            return json.Read() && VaultJson.TryEnter(ref json, "data"u8) && TryReadResult(ref json, item);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The answer to a batch, of whatever status.</summary>
    /// <returns>False when it does not have a result for every item; then no item's outcome is to be relied on.</returns>
    public static bool TryReadBatch(ReadOnlySpan<byte> body, ReadOnlySpan<TransitItem> items)
    {
        try
        {
            return VaultJson.TryFind(body, "data"u8, "batch_results"u8, out Utf8JsonReader json)
                && json.TokenType == JsonTokenType.StartArray
                && TryReadResults(ref json, items);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryReadResults(ref Utf8JsonReader json, ReadOnlySpan<TransitItem> items)
    {
        foreach (TransitItem item in items)
        {
            if (!json.Read() || !TryReadResult(ref json, item))
            {
                return false;
            }
        }

        return json.Read() && json.TokenType == JsonTokenType.EndArray;
    }

    /// <summary>Reads one object to its end. Where it has an error, that counts, whatever else is in it.</summary>
    private static bool TryReadResult(ref Utf8JsonReader json, TransitItem item)
    {
        ReadOnlySpan<byte> name = item.Direction == TransitDirection.Encrypt ? "ciphertext"u8 : "plaintext"u8;
        bool hasResult = false;
        string? error = null;
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool isResult = json.ValueTextEquals(name);
            bool isError = json.ValueTextEquals("error"u8);
            json.Read();
            if (isResult)
            {
                hasResult = item.TrySucceed(ref json);
            }
            else if (isError && json.TokenType == JsonTokenType.String && json.ValueSpan.Length > 0)
            {
                error = PrintableText.Of(json.GetString()!);
            }

            json.Skip();
        }

        if (error is not null)
        {
            item.Fail(TransitFaults.ErrorOf(item.Direction, error), error);
        }

        return json.TokenType == JsonTokenType.EndObject && (hasResult || error is not null);
    }
}
