using System.Text;
using System.Text.Json;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Keys;

/// <summary>Data keys that RustFS 1.0.0-rc.3 made.</summary>
internal sealed record RecordedDataKey(byte[] Blob, byte[] Plaintext, EncryptionContext Context, string KeyId)
{
    public static RecordedDataKey[] Local { get; } = Read("local", 28);

    public static RecordedDataKey[] Static { get; } = Read("static", 12);

    public static byte[] StaticKey { get; } = Convert.FromBase64String(
        VectorFile.Read("rustfs-1.0.0-rc.3", "static", "data-keys.json").Text("secret_key").Split(':', 2)[1]);

    private static RecordedDataKey[] Read(string backend, int count)
    {
        JsonElement keys = VectorFile.Read("rustfs-1.0.0-rc.3", backend, "data-keys.json").GetProperty("data_keys");
        Assert.Equal(count, keys.GetArrayLength());
        return
        [
            .. keys.EnumerateArray().Select(key => new RecordedDataKey(
                Convert.FromBase64String(key.Text("ciphertext_blob")),
                Convert.FromBase64String(key.Text("plaintext_key")),
                EncryptionContext.FromPairs(key.GetProperty("encryption_context").EnumerateObject()
                    .Select(pair => KeyValuePair.Create(pair.Name, pair.Value.GetString()!))),
                key.Text("key_id"))),
        ];
    }

    public override string ToString() => Encoding.UTF8.GetString(Blob);
}
