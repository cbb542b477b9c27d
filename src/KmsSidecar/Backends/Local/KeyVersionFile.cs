using System.Globalization;
using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>A later version of a key, in <c>KEY_ID.vN</c> beside its <c>KEY_ID.key</c>. Owns its sealed material.</summary>
/// <remarks>
/// RustFS has one material per key and reads names that end in <c>.key</c> only, so that it goes on with the first version and does not mind
/// these files. JSON with <c>format</c>, <c>key_id</c>, <c>version</c>, <c>created_at</c>, <c>nonce</c> and <c>sealed_material</c>, the last
/// two in base64; XAES-256-GCM under the directory's key, see <see cref="MaterialCipher.SealVersion"/> for what it authenticates.
/// </remarks>
internal sealed class KeyVersionFile : IDisposable
{
    /// <summary>Longest file that is read; what is written is below 700 bytes.</summary>
    public const int MaxLength = 4096;

    private const string Format = "kms-sidecar-key-version-1";
    private const string Infix = ".v";

    /// <summary>The first version is in <c>KEY_ID.key</c>.</summary>
    private const uint Lowest = 2;

    public required string KeyId { get; init; }

    public required uint Version { get; init; }

    public required string CreatedAt { get; init; }

    public required byte[] Nonce { get; init; }

    /// <summary>Ciphertext and tag.</summary>
    public required SecretBytes Material { get; init; }

    public static string NameOf(string keyId, uint version) => string.Create(CultureInfo.InvariantCulture, $"{keyId}{Infix}{version}");

    /// <summary>Splits at the last <c>.v</c>, so that a key may itself be called <c>a.v2</c>. Only the canonical number is taken.</summary>
    public static bool TryParseName(string fileName, out string keyId, out uint version)
    {
        int at = fileName.LastIndexOf(Infix, StringComparison.Ordinal);
        version = 0;
        keyId = at > 0 ? fileName[..at] : "";
        return at > 0
            && uint.TryParse(fileName.AsSpan(at + Infix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out version)
            && version >= Lowest
            && NameOf(keyId, version) == fileName;
    }

    public byte[] ToUtf8()
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteString("key_id", KeyId);
            json.WriteNumber("version", Version);
            json.WriteString("created_at", CreatedAt);
            json.WriteBase64String("nonce", Nonce);
            json.WriteBase64String("sealed_material", Material.Span);
            json.WriteEndObject();
        }

        return text.ToArray();
    }

    /// <summary>Null when it is not such a file, or not the one that its name says.</summary>
    public static KeyVersionFile? TryRead(ReadOnlySpan<byte> utf8, string keyId, uint version)
    {
        try
        {
            return Read(utf8, keyId, version);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public void Dispose() => Material.Dispose();

    private static KeyVersionFile? Read(ReadOnlySpan<byte> utf8, string keyId, uint version)
    {
        Dictionary<string, string> members = new(StringComparer.Ordinal);
        Utf8JsonReader json = new(utf8);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            json.Read();
            string value = json.TokenType == JsonTokenType.Number ? json.GetUInt32().ToString(CultureInfo.InvariantCulture) : json.GetString() ?? "";
            if (!members.TryAdd(name, value))
            {
                return null;
            }
        }

        // The material is sealed, so that its text may be a string like the others.
        bool isThis = members.GetValueOrDefault("format") == Format
            && members.GetValueOrDefault("key_id") == keyId
            && members.GetValueOrDefault("version") == version.ToString(CultureInfo.InvariantCulture)
            && ZonedTimestamp.TryParse(members.GetValueOrDefault("created_at", ""), out _);
        byte[] nonce = Convert.FromBase64String(members.GetValueOrDefault("nonce", ""));
        byte[] material = Convert.FromBase64String(members.GetValueOrDefault("sealed_material", ""));
        return !isThis || nonce.Length != AeadKey.XaesNonceLength || material.Length != MaterialCipher.SealedLength ? null : new KeyVersionFile
        {
            KeyId = keyId,
            Version = version,
            CreatedAt = members["created_at"],
            Nonce = nonce,
            Material = SecretBytes.CopyOf(material),
        };
    }
}
