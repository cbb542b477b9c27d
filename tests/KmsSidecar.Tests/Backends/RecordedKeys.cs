using System.Text;
using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Crypto;
using KmsSidecar.Tests.Storage;

namespace KmsSidecar.Tests.Backends;

/// <summary>What RustFS 1.0.0-rc.3 wrote (Vectors/rustfs-1.0.0-rc.3).</summary>
internal static class RecordedKeys
{
    private const string Root = "rustfs-1.0.0-rc.3";

    private static readonly JsonElement Local = VectorFile.Read(Root, "local", "data-keys.json");
    private static readonly JsonElement Static = VectorFile.Read(Root, "static", "data-keys.json");

    public static string LocalDirectory { get; } = Path.Combine(AppContext.BaseDirectory, "Vectors", Root, "local", "keys");

    public static string StaticSecret { get; } = Static.Text("secret_key");

    public static RecordedDataKey[] LocalDataKeys { get; } = DataKeys(Local);

    public static RecordedDataKey[] StaticDataKeys { get; } = DataKeys(Static);

    public static SecretBytes LocalMasterKey() => SecretBytes.CopyOf(Encoding.UTF8.GetBytes(Local.Text("master_key")));

    /// <summary>A copy with the modes that RustFS gives.</summary>
    public static TempDirectory CopyOfLocalDirectory()
    {
        TempDirectory copy = new();
        foreach (string file in Directory.GetFiles(LocalDirectory))
        {
            string target = copy.PathOf(Path.GetFileName(file));
            File.Copy(file, target);
            File.SetUnixFileMode(target, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return copy;
    }

    private static RecordedDataKey[] DataKeys(JsonElement recording) =>
    [
        .. recording.GetProperty("data_keys").EnumerateArray().Select(key => new RecordedDataKey(
            key.GetProperty("ciphertext_blob").GetBytesFromBase64(),
            key.GetProperty("plaintext_key").GetBytesFromBase64(),
            Context(key.GetProperty("encryption_context")))),
    ];

    private static EncryptionContext Context(JsonElement pairs) =>
        EncryptionContext.FromPairs(pairs.EnumerateObject().Select(pair => KeyValuePair.Create(pair.Name, pair.Value.GetString()!)));
}

internal sealed record RecordedDataKey(byte[] Blob, byte[] Plaintext, EncryptionContext Context);
