using System.Text.Json.Nodes;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;
using Xunit;
using static KmsSidecar.Tests.Backends.BackendCalls;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>What is particular to keys that live in Transit and have a record beside.</summary>
public sealed class TransitBackendTests
{
    private const string Key = "app-key";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task KeyWithoutARecord_GetsOneBeforeItIsUsed_AndNotBefore()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        Assert.Equal(KeyState.Enabled, (await backend.FindAsync(Key)).Key!.State);
        Assert.Null(fixture.Stored(Key));
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        JsonObject record = fixture.Stored(Key)!;
        Assert.Equal(
            ["key_usage", "description", "tags", "key_state", "created_at", "deletion_date", "origin", "created_by", "current_version"],
            record.Select(static member => member.Key));
        Assert.Equal("Enabled", (string?)record["key_state"]);
        await AssertKnownAsync(fixture, backend);
    }

    [Fact]
    public async Task RecordThatAnotherNodeMade_IsSeenWhenItIsLookedFor()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        (TransitBackend here, TransitBackend there) = (await fixture.OpenAsync(), await fixture.OpenAsync());
        await here.FindAsync(Key);
        Assert.Equal(KmsError.None, (await there.WrapAsync(Key)).Error);
        Assert.Equal(KmsError.None, (await here.WrapAsync(Key)).Error);
        await AssertKnownAsync(fixture, here);
    }

    /// <summary>More than the client lets wait at once: none of them may be turned away because all look for the same record.</summary>
    [Fact]
    public async Task KeyWithoutARecord_GetsOne_ThoughManyAskAtOnce()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync(defaultKey: Key);
        fixture.Vault.Requests.Clear();

        (KmsError Error, uint, byte[])[] wrapped = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(() => backend.WrapAsync(Key))));

        Assert.All(wrapped, static each => Assert.Equal(KmsError.None, each.Error));
        Assert.Equal(1, fixture.Vault.Requests.Count("secret/data/*", "POST"));
        Assert.NotNull(fixture.Stored(Key));
    }

    [Fact]
    public async Task TokenThatMayNotWriteRecords_WrapsAllTheSame_AndItIsSaidOnce()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        string token = fixture.TokenFor("""
            path "transit/keys/*" { capabilities = ["read"] }
            path "transit/encrypt/*" { capabilities = ["update"] }
            path "transit/decrypt/*" { capabilities = ["update"] }
            path "secret/data/*" { capabilities = ["read"] }
            """);
        TransitBackend backend = await fixture.OpenAsync(defaultKey: Key, token: token, cache: false);
        for (int i = 0; i < 3; i++)
        {
            (KmsError error, _, byte[] blob) = await backend.WrapAsync(Key);
            Assert.Equal(KmsError.None, error);
            Assert.Equal(DataKey, (await backend.UnwrapAsync(blob)).Plaintext);
        }

        Assert.Single(fixture.Notices, static notice => notice.Contains("used without one", StringComparison.Ordinal));
        Assert.Single(fixture.Notices, static notice => notice.Contains("to rotate keys", StringComparison.Ordinal));
        Assert.Null(fixture.Stored(Key));
        Assert.Equal(KmsError.BackendRejected, await backend.CreateErrorAsync("new-key"));
    }

    [Fact]
    public async Task Envelope_IsRustFss()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        (_, _, byte[] blob) = await backend.WrapAsync(Key, EnvelopeForm.Bound, Context(("bucket", "b")));
        Assert.True(Envelope.TryParse(blob, out Envelope? envelope));
        Assert.Equal(EnvelopeForm.RustFs, envelope.Form);
        Assert.Empty(envelope.Nonce);
        Assert.Null(envelope.MasterKeyVersion);
        Assert.StartsWith("vault:v1:", System.Text.Encoding.ASCII.GetString(envelope.EncryptedKey), StringComparison.Ordinal);
        Assert.Equal(KeyClaim.Perhaps, backend.ClaimOn(envelope));
    }

    [Fact]
    public async Task Rotation_CountsInTransit_AndInTheRecord()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        await backend.WrapAsync(Key);
        fixture.Vault.Admin.RotateTransitKey(Key);
        KeyDescription rotated = await backend.RotateAsync(Key);
        Assert.Equal(3u, rotated.Version);
        Assert.NotNull(rotated.RotatedAt);
        Assert.Equal(3, (int)fixture.Stored(Key)!["current_version"]!);
        Assert.Equal([1u, 2u, 3u], (await backend.ListVersionsAsync(rotated, Cancellation)).Select(static version => version.Number));
        Assert.Equal(3u, (await backend.WrapAsync(Key)).Version);
    }

    [Fact]
    public async Task LostCountOfARotation_IsNoFailure()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        await backend.WrapAsync(Key);
        fixture.Vault.Faults.Add(Fault.Refuse(500, "secret/data/*") with { Method = "POST" });
        Assert.Equal(2u, (await backend.RotateAsync(Key)).Version);
        Assert.Contains("is rotated", Assert.Single(fixture.Notices), StringComparison.Ordinal);
        fixture.Vault.Faults.Clear();
        Assert.Equal(2u, (await backend.FindAsync(Key)).Key!.Version);
    }

    [Fact]
    public async Task AnswerOfARotationThatIsLost_RotatesOnce()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        fixture.Vault.Faults.Add(Fault.LoseAnswer("transit/keys/*/rotate"));
        await Assert.ThrowsAsync<KmsException>(() => backend.RotateAsync(Key));
        Assert.Equal(1, fixture.CountOf("transit/keys/*/rotate"));
    }

    [Fact]
    public async Task TakenId_IsFoundOut_ThoughTransitSaysNothing()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        Assert.Equal(KmsError.KeyExists, await backend.CreateErrorAsync(Key));
        Assert.Equal(KmsError.InvalidKeyId, await backend.CreateErrorAsync("a/b"));
        Assert.Equal(0, fixture.Vault.Requests.Count("transit/keys/*", "POST"));
    }

    [Fact]
    public async Task RecordOfAKeyThatIsGone_GivesItsNameFree()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        await backend.CreateAsync("former", "first");
        await DeleteInTransitAsync(fixture, "former");
        backend.ClearCache();
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("former")).Error);
        Assert.Equal("second", (await backend.CreateAsync("former", "second")).Description);
        Assert.Equal("second", (string?)fixture.Stored("former")!["description"]);
    }

    [Fact]
    public async Task MissingKey_IsNeverMadeByEncrypting()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        Assert.Equal(KmsError.KeyNotFound, (await backend.WrapAsync("absent")).Error);
        Assert.Equal(0, fixture.CountOf("transit/encrypt/*"));
        Assert.Null(fixture.Vault.Admin.ReadTransitKey("absent"));
    }

    [Theory]
    [InlineData("rsa-2048", "is of type rsa-2048, which takes no associated data")]
    [InlineData("ed25519", "is of type ed25519, which takes no associated data")]
    [InlineData("derived", "is derived")]
    public async Task KeyThatCannotBindAContext_IsRefused(string type, string sentence)
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        JsonObject request = type == "derived" ? new JsonObject { ["derived"] = true } : new JsonObject { ["type"] = type };
        fixture.Vault.Admin.Send(Operation.Create, "transit/keys/odd", request);
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync(defaultKey: "odd"));
        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);

        TransitBackend backend = await fixture.OpenAsync();
        Assert.Equal(KmsError.KeyDamaged, (await backend.FindAsync("odd")).Error);
        Assert.Equal(KmsError.KeyDamaged, (await backend.WrapAsync("odd")).Error);
        Assert.Empty((await backend.ListAsync()).Ids);
        Assert.Contains(sentence, Assert.Single(backend.Unreadable).Reason, StringComparison.Ordinal);
        Assert.Equal(0, fixture.CountOf("transit/encrypt/*"));
    }

    [Theory]
    [InlineData("aes128-gcm96")]
    [InlineData("chacha20-poly1305")]
    [InlineData("xchacha20-poly1305")]
    public async Task OtherAeadKeys_AreUsed(string type)
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        fixture.Vault.Admin.CreateTransitKey("other", type);
        TransitBackend backend = await fixture.OpenAsync(defaultKey: "other");
        EncryptionContext context = Context(("a", "b"));
        (KmsError error, _, byte[] blob) = await backend.WrapAsync("other", EnvelopeForm.RustFs, context);
        Assert.Equal(KmsError.None, error);
        Assert.Equal(DataKey, (await backend.UnwrapAsync(blob, context)).Plaintext);
    }

    [Fact]
    public async Task NamesThatAreNoIds_AreLeftOut_AndNoted()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Admin.CreateTransitKey(".hidden");
        TransitBackend backend = await fixture.OpenAsync();
        Assert.Equal([Key], (await backend.ListAsync()).Ids);
        await backend.ListAsync();
        Assert.Equal(".hidden", Assert.Single(fixture.Reported).Name);
    }

    [Fact]
    public async Task Listing_IsPagedInByteOrder()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        string[] ids = ["B", "a", "a.b", "a-b", "b", "Z"];
        Array.ForEach(ids, id => fixture.Vault.Admin.CreateTransitKey(id));
        TransitBackend backend = await fixture.OpenAsync();
        List<string> listed = [];
        string? marker = null;
        do
        {
            (string[] page, marker) = await backend.ListAsync(marker, 2);
            Assert.True(page.Length <= 2);
            listed.AddRange(page);
        }
        while (marker is not null);
        Assert.Equal(ids.Order(StringComparer.Ordinal), listed);
    }

    [Fact]
    public async Task InterruptedDestruction_GoesOn()
    {
        string[] steps = ["transit/keys/doomed/config", "transit/keys/doomed", "secret/metadata/*"];
        foreach (string step in steps)
        {
            foreach (Fault fault in (Fault[])[Fault.Cut(step, times: 1), Fault.LoseAnswer(step, times: 1)])
            {
                await using TransitFixture fixture = await TransitFixture.StartAsync();
                TransitBackend backend = await fixture.OpenAsync();
                await backend.CreateAsync("doomed");
                fixture.Vault.Faults.Add(fault with { Method = step.EndsWith("config", StringComparison.Ordinal) ? "POST" : "DELETE" });
                await Assert.ThrowsAsync<KmsException>(() => backend.DestroyAsync("doomed"));
                Assert.Equal(KmsError.KeyNotFound, (await backend.WrapAsync("doomed")).Error);

                // Another process finds it, where there still is something to do.
                TransitBackend other = await fixture.OpenAsync();
                foreach (string id in await other.DueAsync(fixture.Clock.GetUtcNow()))
                {
                    Assert.Equal(KeyState.Unavailable, (await other.FindAsync(id)).Key!.State);
                    await other.DestroyAsync(id);
                }

                Assert.Null(fixture.Vault.Admin.ReadTransitKey("doomed"));
                Assert.Null(fixture.Stored("doomed"));
                Assert.Empty(await other.DueAsync(fixture.Clock.GetUtcNow()));
            }
        }
    }

    [Fact]
    public async Task DueKeys_AreFound_WithoutReadingAllOfThemEachTime()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        TransitBackend backend = await fixture.OpenAsync();
        DateTimeOffset now = fixture.Clock.GetUtcNow();
        for (int i = 0; i < 100; i++)
        {
            await backend.CreateAsync($"key-{i:000}");
        }

        await backend.ChangeAsync("key-050", new KeyChange.ScheduleDeletion(now.AddDays(7)));
        TransitBackend other = await fixture.OpenAsync(cache: false);
        Assert.Empty(await other.DueAsync(now.AddDays(8)));
        fixture.Vault.Requests.Clear();
        Assert.Equal(["key-050"], await other.DueAsync(now.AddDays(8)));
        Assert.InRange(fixture.CountOf("*"), 1, 80);
        Assert.Equal(["key-050"], await backend.DueAsync(now.AddDays(8)));

        await backend.ChangeAsync("key-050", new KeyChange.CancelDeletion());
        Assert.Empty(await other.DueAsync(now.AddDays(8)));
    }

    [Fact]
    public async Task TwoWhoChangeAKey_LoseNothing()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend[] backends = [await fixture.OpenAsync(), await fixture.OpenAsync()];
        await backends[0].WrapAsync(Key);
        await Task.WhenAll(backends.Select(async (backend, which) =>
        {
            for (int i = 0; i < 10; i++)
            {
                await RepeatAsync(() => backend.ChangeAsync(Key, new KeyChange.Tag(Tags.None.Add($"t{which}-{i}", "1"))));
            }
        }));
        Assert.Equal(20, fixture.Stored(Key)!["tags"]!.AsObject().Count);
    }

    [Fact]
    public async Task KeyThatWasDeletedAndMadeAnew_IsSaid()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Admin.RotateTransitKey(Key);
        TransitBackend backend = await fixture.OpenAsync();
        Assert.Equal(2u, (await backend.WrapAsync(Key)).Version);
        await DeleteInTransitAsync(fixture, Key);
        Assert.Equal(1u, (await backend.WrapAsync(Key)).Version);
        Assert.Contains("made anew", Assert.Single(fixture.Notices), StringComparison.Ordinal);
    }

    private static async Task DeleteInTransitAsync(TransitFixture fixture, string key)
    {
        await using VaultClient client = await fixture.ConnectAsync();
        TransitEngine engine = new(client, "transit");
        await engine.AllowDeletionAsync(key, Cancellation);
        await engine.DeleteKeyAsync(key, Cancellation);
    }

    /// <summary>Until no other writer comes between.</summary>
    private static async Task RepeatAsync(Func<Task> change)
    {
        while (true)
        {
            try
            {
                await change();
                return;
            }
            catch (KmsException conflict) when (conflict.Error == KmsError.WrongState)
            {
                // Once more.
            }
        }
    }

    /// <summary>From its second data key on, a key costs nothing beside the encryption.</summary>
    private static async Task AssertKnownAsync(TransitFixture fixture, TransitBackend backend)
    {
        fixture.Vault.Requests.Clear();
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        Assert.Equal(1, fixture.CountOf("*"));
    }
}
