using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Transit;

/// <summary>What is to be encrypted, decrypted or wrapped anew: a whole request, or one item of a batch.</summary>
internal sealed class TransitItem(JsonObject fields, int index, bool ignoresAssociatedData)
{
    /// <summary>The caller's own mark, in the result again.</summary>
    public string Reference => Text("reference") ?? "";

    private byte[]? Context => Text("context") is { } text ? Base64Text.Decode(text) : null;

    public static JsonObject Encrypt(TransitItem item, TransitKey key)
    {
        byte[] associatedData = item.AssociatedDataFor(key);
        string plaintext = item.Text("plaintext") ?? throw new VaultFailure(400, "missing plaintext to encrypt");
        int version = (int?)item.Number("key_version") ?? 0;
        return Result(key.Encrypt(Base64Text.Decode(plaintext), associatedData, item.Context, version));
    }

    public static JsonObject Decrypt(TransitItem item, TransitKey key) =>
        new() { ["plaintext"] = Convert.ToBase64String(item.Open(key, item.AssociatedDataFor(key))) };

    /// <summary>Takes no associated data, so what was sealed with some does not open.</summary>
    public static JsonObject Rewrap(TransitItem item, TransitKey key) => Result(key.Encrypt(item.Open(key, []), [], item.Context));

    private static JsonObject Result((string Ciphertext, int Version) encrypted) =>
        new() { ["ciphertext"] = encrypted.Ciphertext, ["key_version"] = encrypted.Version };

    private byte[] Open(TransitKey key, byte[] associatedData) => Text("ciphertext") is { Length: > 0 } ciphertext
        ? key.Decrypt(ciphertext, associatedData, Context)
        : throw new VaultFailure(400, "missing ciphertext to decrypt");

    private byte[] AssociatedDataFor(TransitKey key)
    {
        if (Text("associated_data") is not { Length: > 0 } text || ignoresAssociatedData)
        {
            return [];
        }

        return key.Type.IsAead
            ? Base64Text.Decode(text)
            : throw new VaultFailure(400, $"'[{index}].associated_data' provided for non-AEAD cipher suite {key.Type.Name}");
    }

    private string? Text(string name) => fields[name]?.GetValue<string>();

    private long? Number(string name) => fields[name]?.GetValue<long>();
}
