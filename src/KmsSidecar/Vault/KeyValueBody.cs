using System.Text.Json;

namespace KmsSidecar.Vault;

/// <summary>What matters of the body of an answer about KV v2. All is default where the body is not JSON, or has other shapes.</summary>
/// <remarks><c>{"data":{"data":{…},"metadata":{"version":N}}}</c> of a read, <c>{"data":{"version":N}}</c> of a write,
/// <c>{"data":{"keys":[…]}}</c> of a listing, <c>{"errors":[…]}</c> of a refusal.</remarks>
internal struct KeyValueBody
{
    public bool HasErrors { get; private set; }

    /// <summary>The version that a read found, also where it is deleted, or that a write made; 0 for none.</summary>
    public long Version { get; private set; }

    /// <summary>Where the record is in the body.</summary>
    public Range Record { get; private set; }

    public bool HasRecord { get; private set; }

    public List<string>? Names { get; private set; }

    /// <summary>Never throws.</summary>
    public static KeyValueBody Read(ReadOnlySpan<byte> utf8)
    {
        KeyValueBody body = default;
        Utf8JsonReader json = new(utf8);
        try
        {
            return json.Read() && json.TokenType == JsonTokenType.StartObject && body.TryReadAnswer(ref json) && !json.Read() ? body : default;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text that is not Unicode, which the reader's accessors answer with InvalidOperationException.
            return default;
        }
    }

    private bool TryReadAnswer(ref Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("errors"u8))
            {
                json.Read();
                HasErrors = json.TokenType == JsonTokenType.StartArray;
            }
            else if (json.ValueTextEquals("data"u8))
            {
                json.Read();
                if (json.TokenType == JsonTokenType.StartObject)
                {
                    ReadData(ref json);
                    continue;
                }
            }
            else
            {
                json.Read();
            }

            json.Skip();
        }

        return json.TokenType == JsonTokenType.EndObject;
    }

    private void ReadData(ref Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("data"u8))
            {
                ReadRecord(ref json);
            }
            else if (json.ValueTextEquals("version"u8))
            {
                json.Read();
                ReadVersion(ref json);
            }
            else if (json.ValueTextEquals("metadata"u8))
            {
                json.Read();
                ReadMetadata(ref json);
            }
            else if (json.ValueTextEquals("keys"u8))
            {
                json.Read();
                ReadNames(ref json);
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }
    }

    private void ReadRecord(ref Utf8JsonReader json)
    {
        json.Read();
        int start = (int)json.TokenStartIndex;
        HasRecord = json.TokenType != JsonTokenType.Null;
        json.Skip();
        Record = HasRecord ? start..(int)json.BytesConsumed : default;
    }

    private void ReadMetadata(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool isVersion = json.ValueTextEquals("version"u8);
            json.Read();
            if (isVersion)
            {
                ReadVersion(ref json);
            }
            else
            {
                json.Skip();
            }
        }
    }

    private void ReadVersion(ref Utf8JsonReader json)
    {
        Version = json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long version) && version > 0 ? version : 0;
        json.Skip();
    }

    private void ReadNames(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }

        Names = [];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.String)
            {
                throw new JsonException();
            }

            Names.Add(json.GetString()!);
        }
    }
}
