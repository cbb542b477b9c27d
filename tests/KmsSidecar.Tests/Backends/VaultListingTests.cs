using KmsSidecar.Backends.Kv2;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Backends.Kv2;
using KmsSidecar.Tests.Backends.Transit;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>Looks at many keys of a store: those that a token may not read, and what becomes of those in use.</summary>
public sealed class VaultListingTests
{
    private static readonly string[] All = ["a", "b", "c", "d"];

    [Fact]
    public async Task Transit_LeavesOutKeysThatTheTokenMayNotRead()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        TransitBackend everything = await fixture.OpenAsync();
        DateTimeOffset now = fixture.Clock.GetUtcNow();
        await MakeAsync(everything);
        await everything.ChangeAsync("d", new KeyChange.ScheduleDeletion(now));
        string token = fixture.TokenFor("""
            path "transit/keys" { capabilities = ["list"] }
            path "transit/keys/*" { capabilities = ["read"] }
            path "transit/keys/b" { capabilities = ["deny"] }
            path "secret/data/*" { capabilities = ["read"] }
            path "secret/data/rustfs/kms/transit-metadata/c" { capabilities = ["deny"] }
            path "secret/metadata/*" { capabilities = ["list"] }
            """);
        TransitBackend narrow = await fixture.OpenAsync(mode: OpenMode.Existing, token: token);

        await AssertSeesAsync(narrow, ["a", "d"], now);
        Assert.Empty(narrow.Unreadable);
    }

    [Fact]
    public async Task TokenThatMayReadNoKey_IsToldSo_AndGetsNoEmptyList()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        await MakeAsync(await fixture.OpenAsync());
        string token = fixture.TokenFor("""
            path "transit/keys" { capabilities = ["list"] }
            path "secret/data/*" { capabilities = ["read"] }
            path "secret/metadata/*" { capabilities = ["list"] }
            """);
        TransitBackend narrow = await fixture.OpenAsync(mode: OpenMode.Existing, token: token);

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => narrow.ListAsync());
        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains("transit/keys/", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<KmsException>(() => narrow.DueAsync(fixture.Clock.GetUtcNow()));
    }

    [Fact]
    public async Task Kv2_LeavesOutKeysThatTheTokenMayNotRead()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend everything = await fixture.OpenAsync();
        DateTimeOffset now = fixture.Clock.GetUtcNow();
        await MakeAsync(everything);
        await everything.ChangeAsync("d", new KeyChange.ScheduleDeletion(now));
        string token = fixture.TokenFor($$"""
            path "secret/data/*" { capabilities = ["read"] }
            path "secret/data/{{Kv2Fixture.Prefix}}/b" { capabilities = ["deny"] }
            path "secret/metadata/*" { capabilities = ["list"] }
            """);
        Kv2Backend narrow = await fixture.OpenAsync(mode: OpenMode.Existing, token: token);

        await AssertSeesAsync(narrow, ["a", "c", "d"], now);
    }

    [Fact]
    public async Task Transit_KeepsTheKeysInUse_WhateverIsListed()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        await MakeAsync(await fixture.OpenAsync());
        TransitBackend backend = await fixture.OpenAsync(maxCachedKeys: 2);
        await AssertInUseStayAsync(backend, fixture, reads: "transit/keys/*");
    }

    [Fact]
    public async Task Kv2_KeepsTheKeysInUse_WhateverIsListed()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        await MakeAsync(await fixture.OpenAsync());
        Kv2Backend backend = await fixture.OpenAsync(maxCachedKeys: 2);
        await AssertInUseStayAsync(backend, fixture, reads: "secret/data/*");
    }

    private static async Task MakeAsync(IKeyBackend backend)
    {
        foreach (string id in All)
        {
            await backend.CreateAsync(id);
        }
    }

    /// <summary>And not "b"; "d" is due.</summary>
    private static async Task AssertSeesAsync(IKeyBackend narrow, string[] ids, DateTimeOffset now)
    {
        Assert.Equal(ids, (await narrow.ListAsync()).Ids);
        Assert.Equal(["d"], await narrow.DueAsync(now));
        Assert.Equal(KmsError.BackendRejected, (await narrow.FindAsync("b")).Error);
    }

    private static async Task AssertInUseStayAsync(IKeyBackend backend, VaultFixture fixture, string reads)
    {
        await backend.FindAsync("c");
        await backend.FindAsync("d");

        Assert.Equal(All, (await backend.ListAsync()).Ids);
        await backend.DueAsync(fixture.Clock.GetUtcNow());
        fixture.Vault.Requests.Clear();
        await backend.FindAsync("c");
        await backend.FindAsync("d");
        Assert.Equal(0, fixture.Vault.Requests.Count(reads));
        await backend.FindAsync("a");
        Assert.Equal(1, fixture.Vault.Requests.Count(reads));
    }
}
