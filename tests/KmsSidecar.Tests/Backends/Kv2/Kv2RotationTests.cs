using System.Text;
using System.Text.Json.Nodes;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>What rotation finds in a store that RustFS, an older RustFS or an operator has left in some state.</summary>
public sealed class Kv2RotationTests
{
    private const string Key = "k";

    [Fact]
    public async Task FirstRotation_FreezesTheBaseline_BeforeTheRecordNamesIt()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        KeyDescription made = await backend.CreateAsync(Key);
        string material = Material(fixture.Stored(Key));
        fixture.Vault.Requests.Clear();
        await backend.RotateAsync(Key);
        Assert.Equal(
            ["GET k", "LIST k/versions", "POST k/versions/1", "GET k", "POST k", "POST k/versions/2", "GET k", "POST k"],
            fixture.Vault.Requests.Of("secret/*").Select(static request =>
                $"{request.Method} {request.Path[(request.Path.IndexOf(Kv2Fixture.Prefix, StringComparison.Ordinal) + Kv2Fixture.Prefix.Length + 1)..].TrimEnd('/')}"));
        Assert.Equal((material, made.CreatedAt), (Material(fixture.Stored("k/versions/1")), Text(fixture.Stored("k/versions/1"), "created_at")));
        Assert.Equal(Material(fixture.Stored(Key)), Material(fixture.Stored("k/versions/2")));
        Assert.NotEqual(material, Material(fixture.Stored(Key)));
        Assert.Equal(Text(fixture.Stored(Key), "rotated_at"), Text(fixture.Stored("k/versions/2"), "created_at"));
    }

    [Fact]
    public async Task RustFsInterruptedInItsFirstRotation_IsMended()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        byte[] given = (await backend.WrapAsync(Key)).Blob;
        fixture.Put("k/versions/1", Version(1, Material(fixture.Stored(Key))));
        Assert.Equal(2u, (await backend.RotateAsync(Key)).Version);
        Assert.Equal(1, fixture.Stored(Key)!["baseline_version"]!.GetValue<int>());
        Assert.Equal(BackendCalls.DataKey, (await (await fixture.OpenAsync()).UnwrapAsync(given)).Plaintext);
    }

    [Fact]
    public async Task AFrozenVersionThatNothingNames_IsTakenUp()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        await backend.RotateAsync(Key);
        string left = Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray());
        fixture.Put("k/versions/3", Version(3, left));
        await backend.RotateAsync(Key);
        Assert.Equal(left, Material(fixture.Stored(Key)));
        Assert.Equal(BackendCalls.DataKey, (await backend.UnwrapAsync((await backend.WrapAsync(Key)).Blob)).Plaintext);
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "baseline lost", "echo '{\"baseline_version\":1}' | vault kv patch -mount=secret rustfs/kms/keys/k -" },
        { "record put back", "vault kv rollback -version=N -mount=secret rustfs/kms/keys/k" },
        { "other material", "k/versions/3" },
        { "damaged leftover", "vault kv rollback -version=N -mount=secret rustfs/kms/keys/k/versions/4" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task WhatCannotBeRight_IsRefused_WithTheMend_AndNothingIsWritten(string damage, string mend)
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        JsonObject first = fixture.Stored(Key)!.DeepClone().AsObject();
        await backend.RotateAsync(Key);
        await backend.RotateAsync(Key);
        switch (damage)
        {
            case "baseline lost": fixture.Edit(Key, static record => record.Remove("baseline_version")); break;
            case "record put back": fixture.Put(Key, first); break;
            case "other material": fixture.Edit("k/versions/3", record => record["encrypted_key_material"] = Material(first)); break;
            default: fixture.Put("k/versions/4", Version(5, Material(first))); break;
        }

        JsonNode before = fixture.Stored(Key)!.DeepClone();
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => backend.RotateAsync(Key));
        Assert.Equal(KmsError.KeyDamaged, refused.Error);
        Assert.Contains(mend, refused.Message, StringComparison.Ordinal);
        Assert.True(JsonNode.DeepEquals(before, fixture.Stored(Key)));
    }

    [Fact]
    public async Task ARecordThatIsOlderThanItsDataKeys_IsDamaged()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        JsonObject first = fixture.Stored(Key)!.DeepClone().AsObject();
        await backend.RotateAsync(Key);
        byte[] given = (await backend.WrapAsync(Key)).Blob;
        fixture.Put(Key, first);
        Kv2Backend fresh = await fixture.OpenAsync(cache: false);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(KmsError.KeyDamaged, (await fresh.UnwrapAsync(given)).Error);
        }

        Assert.Contains("vault kv rollback", Assert.Single(fresh.Unreadable).Reason, StringComparison.Ordinal);
        Assert.Single(fixture.Reported);
    }

    [Fact]
    public async Task AVersionThatACallerMadeUp_IsNoDamage()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        string given = Encoding.UTF8.GetString((await backend.WrapAsync(Key, EnvelopeForm.RustFs)).Blob);
        await backend.RotateAsync(Key);
        fixture.Put("k/versions/3", Version(3, Convert.ToBase64String(new byte[32])));
        foreach (string number in (string[])["2", "3", "4", "0", "4294967295"])
        {
            string forged = given.Replace("\"master_key_version\":1", $"\"master_key_version\":{number}", StringComparison.Ordinal);
            Assert.NotEqual(given, forged);
            Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(forged))).Error);
        }

        Assert.Equal(BackendCalls.DataKey, (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(given))).Plaintext);
        Assert.Equal(
            BackendCalls.DataKey,
            (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(given.Replace(",\"master_key_version\":1", "", StringComparison.Ordinal)))).Plaintext);
        Assert.Empty(backend.Unreadable);
    }

    private static JsonObject Version(int number, string material) => new()
    {
        ["version"] = number,
        ["encrypted_key_material"] = material,
        ["created_at"] = "2026-01-01T00:00:00+00:00[UTC]",
    };

    private static string Material(JsonObject? record) => Text(record, "encrypted_key_material");

    private static string Text(JsonObject? record, string name) => record![name]!.GetValue<string>();
}
