using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>The store that RustFS 1.0.0-rc.3 left behind after two rotations, and the data keys that it wrapped meanwhile.</summary>
public sealed class Kv2RecordedTests
{
    private static readonly JsonElement Records = VectorFile.Read("rustfs-1.0.0-rc.3", "vault-kv2", "records.json");

    [Fact]
    public async Task DataKeys_AllOpen_AndNothingIsWritten()
    {
        await using Kv2Fixture fixture = await RecordedAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        HashSet<uint> versions = [];
        foreach ((byte[] blob, byte[] plaintext, EncryptionContext context) in DataKeys())
        {
            (KmsError error, uint version, byte[] opened) = await backend.UnwrapAsync(blob, context);
            Assert.Equal(KmsError.None, error);
            Assert.Equal(plaintext, opened);
            versions.Add(version);
        }

        Assert.Equal([1u, 2u, 3u], versions.Order());
        (string[] ids, string? next) = await backend.ListAsync();
        Assert.Equal(["a.b", "app-key", "disabled-key", "pending-key", "rustfs-internal-kms-probe", "unicode-key"], ids);
        Assert.Null(next);
        Assert.Empty(backend.Unreadable);
        Assert.All(fixture.Vault.Requests.Of("secret/*"), static request => Assert.Contains(request.Method, (string[])["GET", "LIST"]));
    }

    [Fact]
    public async Task EachKey_IsReadOnce_ForAllItsDataKeys()
    {
        await using Kv2Fixture fixture = await RecordedAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        foreach ((byte[] blob, _, EncryptionContext context) in DataKeys())
        {
            await backend.UnwrapAsync(blob, context);
        }

        Assert.All(fixture.Vault.Requests.Of("secret/*").GroupBy(static request => request.Path), static path => Assert.Single(path));
    }

    [Fact]
    public void Records_AreWrittenBackIdentical()
    {
        foreach ((string path, string text) in Texts())
        {
            if (!path.Contains("/versions/", StringComparison.Ordinal))
            {
                byte[] utf8 = Encoding.UTF8.GetBytes(text);
                using Kv2Record record = Kv2RecordReader.TryRead(utf8, "k", out string? fault)!;
                Assert.Null(fault);
                using SecretBuffer written = Kv2RecordWriter.Rewrite(record, record.Content);
                Assert.Equal(text, Encoding.UTF8.GetString(written.WrittenSpan));
            }
        }
    }

    [Fact]
    public async Task Records_AreTheSame_AfterAChangeAndItsReverse()
    {
        await using Kv2Fixture fixture = await RecordedAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        string before = fixture.Stored("app-key")!.ToJsonString();
        await backend.ChangeAsync("app-key", new KeyChange.Disable());
        Assert.Equal("Disabled", fixture.Stored("app-key")!["status"]!.GetValue<string>());
        await backend.ChangeAsync("app-key", new KeyChange.Enable());
        await backend.ChangeAsync("app-key", new KeyChange.ScheduleDeletion(fixture.Clock.GetUtcNow()));
        Assert.Equal("Active", fixture.Stored("app-key")!["kms_sidecar_state_before_deletion"]!.GetValue<string>());
        await backend.ChangeAsync("app-key", new KeyChange.CancelDeletion());
        await backend.ChangeAsync("app-key", new KeyChange.Tag(Tags.None.Add("x", "1")));
        await backend.ChangeAsync("app-key", new KeyChange.Untag(["x"]));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(before), fixture.Stored("app-key")));
    }

    [Fact]
    public async Task Keys_AreDescribed()
    {
        await using Kv2Fixture fixture = await RecordedAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        KeyDescription pending = (await backend.FindAsync("pending-key")).Key!;
        Assert.Equal(KeyState.PendingDeletion, pending.State);
        Assert.Equal("2026-12-23T20:09:32.131314431+00:00[Etc/UTC]", pending.DeletionDate);
        Assert.Equal(("VAULT", "VAULT", "pending-key description"), (pending.Origin, pending.Manager, pending.Description));
        Assert.Equal(["name", "owner"], pending.Tags.Keys);
        KeyDescription app = (await backend.FindAsync("app-key")).Key!;
        Assert.Equal(
            [(1u, app.CreatedAt), (2u, "2026-11-23T20:09:23.614686329+00:00[Etc/UTC]"), (3u, "2026-11-23T20:09:27.774624425+00:00[Etc/UTC]")],
            (await backend.ListVersionsAsync(app, TestContext.Current.CancellationToken)).Select(static version => (version.Number, version.CreatedAt)));
    }

    [Fact]
    public async Task ARecordedKey_IsRotated_AndOpensAllItOpened()
    {
        await using Kv2Fixture fixture = await RecordedAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        Assert.Equal(4u, (await backend.RotateAsync("app-key")).Version);
        Kv2Backend other = await fixture.OpenAsync();
        foreach ((byte[] blob, byte[] plaintext, EncryptionContext context) in DataKeys())
        {
            Assert.Equal(plaintext, (await other.UnwrapAsync(blob, context)).Plaintext);
        }

        JsonObject record = fixture.Stored("app-key")!;
        Assert.Equal((4, 1, 0), (record["version"]!.GetValue<int>(), record["baseline_version"]!.GetValue<int>(), record["wrap_budget_reserved"]!.GetValue<int>()));
        Assert.Equal(
            record["encrypted_key_material"]!.GetValue<string>(), fixture.Stored("app-key/versions/4")!["encrypted_key_material"]!.GetValue<string>());
    }

    private static async Task<Kv2Fixture> RecordedAsync()
    {
        Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        foreach ((string path, string text) in Texts())
        {
            fixture.Put(path, JsonNode.Parse(text)!.AsObject());
        }

        return fixture;
    }

    private static IEnumerable<(string Path, string Text)> Texts() => Records.EnumerateObject()
        .Select(static record => (record.Name[(Kv2Fixture.Prefix.Length + 1)..], JsonSerializer.Serialize(record.Value.GetProperty("data"))));

    private static List<(byte[] Blob, byte[] Plaintext, EncryptionContext Context)> DataKeys()
    {
        List<(byte[], byte[], EncryptionContext)> keys =
        [
            .. VectorFile.Read("rustfs-1.0.0-rc.3", "vault-kv2", "data-keys.json").GetProperty("data_keys").EnumerateArray().Select(static key => (
                key.GetProperty("ciphertext_blob").GetBytesFromBase64(),
                key.GetProperty("plaintext_key").GetBytesFromBase64(),
                EncryptionContext.FromPairs(key.GetProperty("encryption_context").EnumerateObject()
                    .Select(static pair => KeyValuePair.Create(pair.Name, pair.Value.GetString()!))))),
        ];
        Assert.Equal(84, keys.Count);
        return keys;
    }
}
