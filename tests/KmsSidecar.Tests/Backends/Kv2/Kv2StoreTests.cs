using System.Text.Json.Nodes;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>What a backend makes of a store with other things in it, and of a server that is not well.</summary>
public sealed class Kv2StoreTests
{
    private const string Key = "k";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_AreInByteOrder_AndReadWhatIsNotKept()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend maker = await fixture.OpenAsync();
        string[] ids = ["-", "A", "_", "a", "a-b", "a.b", "b", "rotated"];
        foreach (string id in ids)
        {
            await maker.CreateAsync(id);
        }

        await maker.RotateAsync("rotated");
        Kv2Backend backend = await fixture.OpenAsync();
        fixture.Vault.Requests.Clear();
        (string[] first, string? next) = await backend.ListAsync(limit: 3);
        Assert.Equal(["-", "A", "_"], first);
        Assert.Equal("_", next);
        Assert.Equal((1, 3), (fixture.CountOf("LIST"), fixture.CountOf("GET")));
        (string[] rest, next) = await backend.ListAsync(next, limit: 5);
        Assert.Equal([.. ids[3..]], rest);
        Assert.Null(next);
        await backend.ListAsync();
        Assert.Equal((3, 8), (fixture.CountOf("LIST"), fixture.CountOf("GET")));
        Assert.InRange(fixture.Vault.Requests.MostInFlight, 1, 8);
    }

    [Fact]
    public async Task WhatIsNoKey_IsLeftOut_AndToldOnce()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        fixture.Put("white\nspace", new JsonObject { ["a"] = 1 });
        fixture.Put(".rustfs-restore-commit", new JsonObject { ["a"] = 1 });
        fixture.Put("damaged", new JsonObject { ["a"] = 1 });
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal([Key], (await backend.ListAsync()).Ids);
        }

        Assert.Equal([".rustfs-restore-commit", "damaged", "white space"], backend.Unreadable.Select(static key => key.Name));
        Assert.Equal(3, fixture.Reported.Count);
        Assert.Equal(KmsError.KeyDamaged, (await backend.FindAsync("damaged")).Error);
        Assert.Equal(KmsError.KeyDamaged, (await backend.WrapAsync("damaged")).Error);
        Assert.Equal(KmsError.KeyExists, await backend.CreateErrorAsync("damaged"));
        Assert.Equal(KmsError.KeyDamaged, (await Assert.ThrowsAsync<KmsException>(() => backend.RotateAsync("damaged"))).Error);
        Assert.Equal(KmsError.KeyDamaged, (await Assert.ThrowsAsync<KmsException>(() => backend.ChangeAsync("damaged", new KeyChange.Disable()))).Error);

        fixture.Put("damaged", fixture.Stored(Key)!);
        Assert.Equal(KmsError.None, (await backend.FindAsync("damaged")).Error);
        Assert.DoesNotContain(backend.Unreadable, static key => key.Name == "damaged");
    }

    [Fact]
    public async Task ADestructionThatStopped_IsDueAtOnce()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        Assert.Empty(await backend.FindDueAsync(fixture.Clock.GetUtcNow(), Cancellation));
        fixture.Vault.Faults.Add(Fault.Refuse(500, "secret/*", times: 1) with { Method = "DELETE" });
        await Assert.ThrowsAsync<KmsException>(async () => await backend.DestroyAsync(Key, ifDueBy: null, Cancellation));
        Assert.Equal(Key, Assert.Single(await backend.FindDueAsync(fixture.Clock.GetUtcNow(), Cancellation)).KeyId);
    }

    [Fact]
    public async Task AWriteThatIsAnsweredWith404_DoesNotMeanThatTheKeyIsMissing()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        fixture.Vault.Faults.Add(Fault.Refuse(404, "secret/data/*") with { Method = "POST" });
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => backend.CreateAsync(Key));
        Assert.Equal(KmsError.BackendRejected, refused.Error);
    }

    [Fact]
    public async Task ADeletedRecord_IsMadeAnew_ButNotBesideItsVersions()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        await SoftDeleteAsync(fixture, Key);
        backend.ClearCache();
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync(Key)).Error);
        await backend.CreateAsync(Key);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);

        await backend.RotateAsync(Key);
        await SoftDeleteAsync(fixture, Key);
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => backend.CreateAsync(Key));
        Assert.Equal(KmsError.KeyExists, refused.Error);
        Assert.Contains("vault kv undelete", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Due_AreThoseWhoseTimeHasCome_AndThoseBegun_AlsoElsewhere()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        DateTimeOffset now = fixture.Clock.GetUtcNow();
        foreach (string id in (string[])["kept", "here", "there", "begun", "later"])
        {
            await backend.CreateAsync(id);
        }

        await backend.ChangeAsync("here", new KeyChange.ScheduleDeletion(now));
        await backend.ChangeAsync("later", new KeyChange.ScheduleDeletion(now.AddDays(7)));
        fixture.Edit("begun", static record => record["status"] = "Deleted");
        fixture.Edit("there", record => (record["status"], record["deletion_date"]) = ("PendingDeletion", ZonedTimestamp.Format(now)));
        backend.ClearCache();
        Assert.Equal(["begun", "here", "there"], await backend.DueAsync(now));

        fixture.Edit("here", static record => (record["status"], record["deletion_date"]) = ("Active", null));
        Assert.Equal(["begun", "there"], await backend.DueAsync(now));
        fixture.Vault.Requests.Clear();
        await backend.DueAsync(now);
        Assert.Equal((0, 2), (fixture.CountOf("LIST"), fixture.CountOf("GET")));
        await backend.DestroyAsync("begun");
        await backend.DestroyAsync("there");
        Assert.Empty(await backend.DueAsync(now));
        fixture.Clock.Pass(TimeSpan.FromMinutes(15));
        Assert.Equal(["later"], await backend.DueAsync(now.AddDays(8)));
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "cut", nameof(KmsError.BackendUnavailable) },
        { "sealed", nameof(KmsError.BackendUnavailable) },
        { "500", nameof(KmsError.BackendUnavailable) },
        { "429", nameof(KmsError.BackendUnavailable) },
        { "policy", nameof(KmsError.BackendRejected) },
        { "no json", nameof(KmsError.BackendRejected) },
        { "other shape", nameof(KmsError.BackendRejected) },
        { "other 404", nameof(KmsError.BackendRejected) },
        { "no mount", nameof(KmsError.BackendRejected) },
        { "huge", nameof(KmsError.BackendRejected) },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task AServerThatIsNotWell_NeverMakesAKeySeemToBeGone(string fault, string error)
    {
        KmsError expected = Enum.Parse<KmsError>(error);
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync(cache: false);
        await backend.CreateAsync(Key);
        byte[] given = (await backend.WrapAsync(Key)).Blob;
        fixture.Vault.Faults.Add(fault switch
        {
            "cut" => Fault.Cut("secret/*"),
            "sealed" => Fault.Refuse(503, "secret/*"),
            "500" => Fault.Refuse(500, "secret/*"),
            "429" => Fault.Refuse(429, "secret/*"),
            "policy" => Fault.Instead(403, """{"errors":["1 error occurred:\n\t* permission denied\n\n"]}""", "secret/*"),
            "no json" => Fault.NotJson("secret/*"),
            "other shape" => Fault.OtherShape("secret/*"),
            "other 404" => Fault.Instead(404, "<html>", "secret/*"),
            "no mount" => Fault.Instead(404, """{"errors":["no handler for route \"secret/data/x\". route entry not found."]}""", "secret/*"),
            _ => Fault.Huge("secret/*"),
        });
        Assert.Equal(expected, (await backend.UnwrapAsync(given)).Error);
        Assert.Equal(expected, (await backend.WrapAsync(Key)).Error);
        Assert.Equal(expected, (await backend.FindAsync(Key)).Error);
        foreach (Func<Task> operation in (Func<Task>[])
            [
                () => backend.ListAsync(),
                () => backend.CreateAsync("new"),
                () => backend.ChangeAsync(Key, new KeyChange.Disable()),
                () => backend.RotateAsync(Key),
                () => backend.DestroyAsync(Key),
                () => backend.DueAsync(DateTimeOffset.MaxValue),
            ])
        {
            KmsException refused = await Assert.ThrowsAsync<KmsException>(operation);
            Assert.Equal(expected, refused.Error);
            Assert.NotEmpty(refused.Message);
        }

        fixture.Vault.Faults.Clear();
        Assert.Equal(BackendCalls.DataKey, (await backend.UnwrapAsync(given)).Plaintext);
    }

    [Theory]
    [InlineData("create", "read", "update", "list", "delete", null)]
    [InlineData("create", "read", "update", "delete", "", "list")]
    [InlineData("read", "list", "delete", "", "", "create and update")]
    public async Task BeforeItGoesLive_TheRightsAreLookedAt(string one, string two, string three, string four, string five, string? missing)
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        string[] held = [.. ((string[])[one, two, three, four, five]).Where(static name => name.Length > 0)];
        fixture.Vault.Admin.WritePolicy(
            "sidecar",
            $$"""
            path "secret/data/{{Kv2Fixture.Prefix}}/*" { capabilities = [{{Names(held, "create", "read", "update")}}] }
            path "secret/metadata/{{Kv2Fixture.Prefix}}/*" { capabilities = [{{Names(held, "list", "delete")}}] }
            """);
        string token = fixture.Vault.Admin.CreateToken(["sidecar", "default"]);
        if (missing is null)
        {
            Kv2Backend backend = await fixture.OpenAsync(token: token);
            await backend.CreateAsync(Key);
            await backend.RotateAsync(Key);
            Assert.Equal([Key], (await backend.ListAsync()).Ids);
            await backend.DestroyAsync(Key);
            await backend.CheckHealthAsync(Cancellation);
            return;
        }

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync(token: token));
        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains(missing, refused.Message, StringComparison.Ordinal);
        Assert.Contains("vault policy write", refused.Message, StringComparison.Ordinal);
        await fixture.OpenAsync(mode: OpenMode.Existing, token: token);
        Assert.Equal(0, fixture.CountOf("POST") + fixture.CountOf("GET"));
    }

    [Fact]
    public async Task AMountOfVersionOne_IsRefused()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        fixture.Vault.Admin.Unmount("secret");
        fixture.Vault.Admin.EnableKv(version: 1);
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync());
        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains("vault kv enable-versioning", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("a b")]
    [InlineData("a?b")]
    [InlineData("a%2e")]
    [InlineData("")]
    public async Task AMountThatIsNoPath_IsRefused(string mount)
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        await using VaultClient client = await fixture.ConnectAsync();
        Assert.Equal(
            KmsError.InvalidConfiguration, Assert.Throws<KmsException>(() => new KeyValueStore(client, mount, Kv2Fixture.Prefix)).Error);
    }

    [Theory]
    [InlineData("../other")]
    [InlineData("a/../../x")]
    [InlineData(".hidden")]
    [InlineData("a%2fb")]
    [InlineData("a?version=1")]
    [InlineData("a/")]
    public async Task APathThatIsNoKeys_IsNeverSent(string path)
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        await using VaultClient client = await fixture.ConnectAsync();
        KeyValueStore store = new(client, "/secret/", $"/{Kv2Fixture.Prefix}/");
        fixture.Vault.Requests.Clear();
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadAsync(path, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.DestroyAsync(path, Cancellation));
        Assert.Equal(0, fixture.Vault.Requests.Count());
    }

    [Fact]
    public async Task ADefaultKey_IsNotMadeUnasked()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        IKeyBackend backend = await fixture.OpenAsync();
        string why = backend.WhyNoDefaultKeyIsMade("app-key")!;
        Assert.Contains("'app-key'", why, StringComparison.Ordinal);
        Assert.Contains($"secret/{Kv2Fixture.Prefix}", why, StringComparison.Ordinal);
        Assert.Contains("POST /rustfs/admin/v3/kms/keys", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TransitsEnvelopes_AreNotClaimed()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        Assert.True(Envelope.TryParse((await backend.WrapAsync(Key)).Blob, out Envelope? own));
        Assert.Equal(KeyClaim.Perhaps, backend.ClaimOn(own));
        Assert.True(Envelope.TryParse(
            """{"key_id":"x","master_key_id":"k","key_spec":"AES_256","encrypted_key":[118,97,117,108,116,58,118,49,58,65],"nonce":[],"encryption_context":{},"created_at":"2026-01-01T00:00:00Z"}"""u8,
            out Envelope? transits));
        Assert.Equal(KeyClaim.No, backend.ClaimOn(transits));
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(transits)).Error);
    }

    private static string Names(string[] held, params string[] known) =>
        string.Join(", ", held.Intersect(known).DefaultIfEmpty("deny").Select(static name => $"\"{name}\""));

    private static async Task SoftDeleteAsync(Kv2Fixture fixture, string key)
    {
        await using VaultClient client = await fixture.ConnectAsync();
        using VaultAnswer answer = await client.SendAsync(
            new VaultCall("kv-soft-delete", HttpMethod.Delete, $"secret/data/{Kv2Fixture.Prefix}/{key}", VaultRepeat.Never), Cancellation);
        Assert.Equal(VaultFault.None, answer.Fault);
    }
}
