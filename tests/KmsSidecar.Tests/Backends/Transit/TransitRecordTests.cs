using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Crypto;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>Records and envelopes as RustFS 1.0.0-rc.3 wrote them for its Transit backend.</summary>
public sealed class TransitRecordTests
{
    private const string Good = """
        {"key_usage":"EncryptDecrypt","description":"app key","tags":{"name":"app-key"},"key_state":"Enabled","created_at":"2026-01-01T00:00:00+00:00[UTC]",
        "deletion_date":null,"origin":"VAULT_TRANSIT","created_by":null,"current_version":1}
        """;

    private static readonly JsonElement Records = VectorFile.Read("rustfs-1.0.0-rc.3", "vault-transit", "records.json");
    private static readonly JsonElement DataKeys = VectorFile.Read("rustfs-1.0.0-rc.3", "vault-transit", "data-keys.json").GetProperty("data_keys");

    public static TheoryData<string> Recorded => [.. Records.EnumerateObject().Select(static record => record.Name)];

    /// <summary>What takes the place of what in the good record, and what is said of it.</summary>
    public static TheoryData<string, string, string> Damages => new()
    {
        { "\"current_version\":1", "\"current_version\":-1", "current_version" },
        { "\"current_version\":1", "\"other\":1", "current_version" },
        { "\"current_version\":1", "\"current_version\":1,\"current_version\":1", "current_version" },
        { "\"Enabled\"", "\"PendingImport\"", "key_state" },
        { "\"Enabled\"", "\"Active\"", "key_state" },
        { "EncryptDecrypt", "Encrypt", "key_usage" },
        { "00:00[UTC]", "00:00", "created_at" },
        { "{\"name\":\"app-key\"}", "[]", "tags" },
        { "{\"name\":\"app-key\"}", "{\"name\":1}", "tags" },
        { "\"VAULT_TRANSIT\"", "null", "origin" },
        { "\"app key\"", "7", "description" },
        { "\"app key\"", "\"\\ud800\"", "JSON" },
        { "\"current_version\":1}", "\"current_version\":1}x", "JSON" },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public void RecordedRecord_IsReadAndWrittenAsItWas(string path)
    {
        JsonElement data = Records.GetProperty(path).GetProperty("data");
        TransitRecord? record = TransitRecordReader.TryRead(Encoding.UTF8.GetBytes(data.GetRawText()), out string? fault);
        Assert.Null(fault);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(data.GetRawText()), JsonNode.Parse(TransitRecordWriter.Write(record!))));
    }

    [Fact]
    public void UnknownMembers_AreKept_WhateverChanges()
    {
        string text = Good.Replace("\"current_version\":1", "\"current_version\":1,\"later\":{\"a\":[1,2.50,null]},\"also\":\"é\"", StringComparison.Ordinal);
        TransitRecord record = TransitRecordReader.TryRead(Encoding.UTF8.GetBytes(text), out _)!;
        KeyDescription key = KeyRules.Apply(record.Describe("app-key", NewKey()), new KeyChange.ScheduleDeletion(DateTimeOffset.UnixEpoch));
        string written = Encoding.UTF8.GetString(TransitRecordWriter.Write(record.With(key)));
        Assert.Contains("\"later\":{\"a\":[1,2.50,null]},\"also\":\"é\"", written, StringComparison.Ordinal);
        Assert.Contains("\"kms_sidecar_state_before_deletion\":\"Enabled\"", written, StringComparison.Ordinal);
        Assert.Equal(KeyState.Enabled, TransitRecordReader.TryRead(Encoding.UTF8.GetBytes(written), out _)!.StateBeforeDeletion);
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void DamagedRecord_IsRefused(string good, string damaged, string named)
    {
        Assert.Null(TransitRecordReader.TryRead(Encoding.UTF8.GetBytes(Good.Replace(good, damaged, StringComparison.Ordinal)), out string? fault));
        Assert.Contains(named, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void RandomDamage_NeverThrows()
    {
        byte[] good = Encoding.UTF8.GetBytes(Good);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length]).Sample(change =>
        {
            byte[] damaged = [.. good[..change.Item3]];
            if (change.Item1 < damaged.Length)
            {
                damaged[change.Item1] = change.Item2;
            }

            TransitRecord? record = TransitRecordReader.TryRead(damaged, out string? fault);
            return record is null == fault is not null;
        });
    }

    [Fact]
    public async Task RecordedKeys_AreServedAsRustFsDescribesThem()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        foreach (JsonProperty record in Records.EnumerateObject())
        {
            string id = record.Name[(record.Name.LastIndexOf('/') + 1)..];
            fixture.Vault.Admin.CreateTransitKey(id);
            fixture.Put(id, JsonNode.Parse(record.Value.GetProperty("data").GetRawText())!.AsObject());
        }

        TransitBackend backend = await fixture.OpenAsync();
        KeyDescription app = (await backend.FindAsync("app-key")).Key!;
        Assert.Equal("2026-11-23T20:09:43.475862133+00:00[Etc/UTC]", app.CreatedAt);
        Assert.Equal(("AWS_KMS", "VAULT_TRANSIT"), (app.Origin, app.Manager));
        Assert.Equal("clé n°1 – ключ", (await backend.FindAsync("unicode-key")).Key!.Description);
        Assert.Equal(KmsError.KeyDisabled, (await backend.WrapAsync("disabled-key")).Error);
        Assert.Equal(KmsError.KeyPendingDeletion, (await backend.WrapAsync("pending-key")).Error);

        JsonObject before = fixture.Stored("pending-key")!;
        await backend.ChangeAsync("pending-key", new KeyChange.CancelDeletion());
        JsonObject after = fixture.Stored("pending-key")!;
        Assert.Equal(["deletion_date", "key_state"], before.Where(member => !JsonNode.DeepEquals(member.Value, after[member.Key])).Select(static member => member.Key).Order());
        Assert.Equal(before.Count, after.Count);
    }

    [Fact]
    public void RecordedEnvelopes_AreWrittenAsTheyWere()
    {
        TransitEnvelopes envelopes = new(TimeProvider.System);
        int count = 0;
        foreach (JsonElement key in DataKeys.EnumerateArray())
        {
            byte[] blob = key.GetProperty("ciphertext_blob").GetBytesFromBase64();
            Assert.True(Envelope.TryParse(blob, out Envelope? recorded));
            Assert.True(TransitEnvelopes.IsMine(recorded));
            Assert.True(TransitCiphertext.TryReadVersion(recorded.EncryptedKey, out uint version));
            Assert.InRange(version, 1u, 3u);

            ArrayBufferWriter<byte> output = new();
            Assert.True(KeySpecs.TryParse(recorded.KeySpec, out KeySpec spec));
            envelopes.Write(new WrapRequest(recorded.MasterKeyId, spec, EnvelopeForm.Bound, default, recorded.Context, output), recorded.EncryptedKey);
            JsonObject written = JsonNode.Parse(output.WrittenSpan)!.AsObject();
            JsonObject original = JsonNode.Parse(blob)!.AsObject();
            Assert.Equal(original.Select(static member => member.Key), written.Select(static member => member.Key));
            foreach (string fresh in (string[])["key_id", "created_at"])
            {
                written.Remove(fresh);
                original.Remove(fresh);
            }

            Assert.True(JsonNode.DeepEquals(original, written));
            count++;
        }

        Assert.Equal(84, count);
    }

    private static TransitKey NewKey() => new()
    {
        Name = "app-key",
        Type = "aes256-gcm96",
        Versions = [new TransitKeyVersion(1, DateTimeOffset.UnixEpoch)],
    };
}
