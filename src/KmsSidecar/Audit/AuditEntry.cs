using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;

namespace KmsSidecar.Audit;

/// <summary>A line of the log, as far as it takes to check it.</summary>
internal sealed class AuditEntry
{
    /// <summary>No log comes to such a number, and those who calculate with smaller ones do not overflow.</summary>
    private const long MaxNumber = 1L << 53;

    private static ReadOnlySpan<byte> HashMember => ",\"hash\":\""u8;

    private static ReadOnlySpan<byte> End => "\"}"u8;

    public long Sequence { get; private set; }

    public string Kind { get; private set; } = "";

    /// <summary>As the line says it.</summary>
    public byte[] Hash { get; private set; } = [];

    /// <summary>So many bytes of the line are hashed.</summary>
    public int HashedLength { get; private set; }

    /// <summary>Of a file's first line: the hash that the file goes on from.</summary>
    public byte[]? FormerHash { get; private set; }

    /// <summary>Of a file's first line: bytes of a broken line at the end of the file before.</summary>
    public long TornBytes { get; private set; }

    /// <summary>Of a removal: the last record that went.</summary>
    public long Through { get; private set; }

    /// <summary>Of a head, and of a file's first line: the signing key.</summary>
    public string? KeyName { get; private set; }

    public byte[]? Signature { get; private set; }

    /// <summary>Of lost operations: how many.</summary>
    public long Count { get; private set; }

    /// <param name="line">Without its line break.</param>
    /// <returns>False for anything that this log would not have written.</returns>
    public static bool TryParse(ReadOnlySpan<byte> line, [NotNullWhen(true)] out AuditEntry? entry)
    {
        entry = new AuditEntry { HashedLength = line.Length - HashMember.Length - (2 * SHA256.HashSizeInBytes) - End.Length };
        try
        {
            if (entry.HashedLength > 0
                && line[entry.HashedLength..].StartsWith(HashMember)
                && line.EndsWith(End)
                && entry.ReadMembers(line)
                && entry.Sequence > 0
                && entry.Hash.Length == SHA256.HashSizeInBytes)
            {
                return true;
            }
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or FormatException)
        {
            // Not a line of ours, whatever it is.
        }

        entry = null;
        return false;
    }

    private bool ReadMembers(ReadOnlySpan<byte> line)
    {
        Utf8JsonReader reader = new(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadMember(ref reader);
        }

        return !reader.Read();
    }

    private void ReadMember(ref Utf8JsonReader reader)
    {
        string name = reader.GetString()!;
        reader.Read();
        switch (name)
        {
            case "seq":
                Sequence = Number(ref reader);
                break;
            case "kind":
                Kind = reader.GetString() ?? "";
                break;
            case "hash":
                Hash = Bytes(ref reader);
                break;
            case "prev":
                FormerHash = Bytes(ref reader);
                break;
            case "torn_bytes":
                TornBytes = Number(ref reader);
                break;
            case "through":
                Through = Number(ref reader);
                break;
            case "count":
                Count = Number(ref reader);
                break;
            case "key":
                KeyName = reader.GetString();
                break;
            case "signature":
                Signature = Bytes(ref reader);
                break;
            default:
                reader.Skip();
                break;
        }
    }

    private static long Number(ref Utf8JsonReader reader) =>
        reader.GetInt64() is >= 0 and < MaxNumber and var number ? number : throw new FormatException("beyond any number of the log");

    private static byte[] Bytes(ref Utf8JsonReader reader) => Convert.FromHexString(reader.GetString() ?? "");
}
