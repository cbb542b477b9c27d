using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <summary>Reads the answers about keys. Never throws; null when an answer is not one.</summary>
internal static class TransitKeyReader
{
    /// <summary>Most versions of a key, and most keys of a mount, that are read.</summary>
    private const int MaxEntries = 100_000;

    private const int MaxTypeLength = 64;

    /// <param name="name">The key that was asked for.</param>
    public static TransitKey? TryRead(ReadOnlySpan<byte> body, string name)
    {
        try
        {
            Utf8JsonReader json = new(body);
            return json.Read() && VaultJson.TryEnter(ref json, "data"u8) ? ReadKey(ref json, name) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>The names of a listing, as they are.</summary>
    public static List<string>? TryReadList(ReadOnlySpan<byte> body)
    {
        try
        {
            return VaultJson.TryFind(body, "data"u8, "keys"u8, out Utf8JsonReader json) && json.TokenType == JsonTokenType.StartArray
                ? ReadArray(ref json)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static TransitKey? ReadKey(ref Utf8JsonReader json, string name)
    {
        string? type = null;
        bool isDerived = false, isSoftDeleted = false, isDeletionAllowed = false;
        ImmutableArray<TransitKeyVersion> versions = [];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string member = json.GetString()!;
            json.Read();
            switch (member)
            {
                case "type" when json.TokenType == JsonTokenType.String && json.ValueSpan.Length <= MaxTypeLength:
                    type = PrintableText.Of(json.GetString()!);
                    break;
                case "derived":
                    isDerived = json.TokenType == JsonTokenType.True;
                    break;
                case "soft_deleted":
                    isSoftDeleted = json.TokenType == JsonTokenType.True;
                    break;
                case "deletion_allowed":
                    isDeletionAllowed = json.TokenType == JsonTokenType.True;
                    break;
                case "keys" when json.TokenType == JsonTokenType.StartObject:
                    versions = ReadVersions(ref json);
                    break;
                default:
                    json.Skip();
                    break;
            }
        }

        return type is null || versions.IsEmpty ? null : new TransitKey
        {
            Name = name,
            Type = type,
            IsDerived = isDerived,
            IsSoftDeleted = isSoftDeleted,
            IsDeletionAllowed = isDeletionAllowed,
            Versions = versions,
        };
    }

    /// <summary>Empty when one of them is not a version.</summary>
    private static ImmutableArray<TransitKeyVersion> ReadVersions(ref Utf8JsonReader json)
    {
        List<TransitKeyVersion> versions = [];
        bool isGood = true;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> name = json.ValueSpan;
            isGood &= Utf8Parser.TryParse(name, out uint number, out int length) && length == name.Length && number > 0 && versions.Count < MaxEntries;
            json.Read();
            DateTimeOffset createdAt = ReadCreationTime(ref json);
            if (isGood)
            {
                versions.Add(new TransitKeyVersion(number, createdAt));
            }
        }

        return isGood ? [.. versions.OrderBy(static version => version.Number)] : [];
    }

    /// <summary>Seconds since 1970 for symmetric keys; asymmetric ones, which are not used here, have an object.</summary>
    private static DateTimeOffset ReadCreationTime(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long seconds))
        {
            return DateTimeOffset.FromUnixTimeSeconds(seconds);
        }

        json.Skip();
        return DateTimeOffset.UnixEpoch;
    }

    private static List<string>? ReadArray(ref Utf8JsonReader json)
    {
        List<string> names = [];
        while (json.Read() && json.TokenType == JsonTokenType.String && names.Count < MaxEntries)
        {
            names.Add(json.GetString()!);
        }

        return json.TokenType == JsonTokenType.EndArray ? names : null;
    }
}
