using KmsSidecar.Backends;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>What is kept, for how long, and what goes on while Vault is away.</summary>
public sealed class Kv2CacheTests
{
    private const string Key = "k";

    [Fact]
    public async Task WhileVaultIsAway_WhatIsKeptGoesOn_AndTheRestIsUnavailable()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        await (await fixture.OpenAsync()).CreateAsync("other");
        byte[] given = (await backend.WrapAsync(Key)).Blob;
        await backend.RotateAsync(Key);
        await fixture.Vault.StopAsync();

        Assert.Equal((KmsError.None, 2u), ((await backend.WrapAsync(Key)).Error, (await backend.WrapAsync(Key)).Version));
        Assert.Equal(BackendCalls.DataKey, (await backend.UnwrapAsync(given)).Plaintext);
        Assert.Equal(KmsError.BackendUnavailable, (await backend.WrapAsync("other")).Error);
        Assert.Equal(KmsError.BackendUnavailable, (await backend.FindAsync("other")).Error);
        Assert.Equal(KmsError.BackendUnavailable, (await Assert.ThrowsAsync<KmsException>(() => backend.ListAsync())).Error);
        Assert.Equal(KmsError.BackendUnavailable, (await Assert.ThrowsAsync<KmsException>(() => backend.ChangeAsync(Key, new KeyChange.Disable()))).Error);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        await fixture.Vault.StartAgainAsync();
        Assert.Equal(KmsError.None, (await backend.WrapAsync("other")).Error);
    }

    [Fact]
    public async Task WhileVaultIsAway_AnEnvelopeOfANewerVersion_DoesNotEndWhatIsKept()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        (Kv2Backend here, Kv2Backend there) = (await fixture.OpenAsync(), await fixture.OpenAsync());
        await here.CreateAsync(Key);
        byte[] known = (await here.WrapAsync(Key)).Blob;
        await there.RotateAsync(Key);
        byte[] newer = (await there.WrapAsync(Key)).Blob;
        await fixture.Vault.StopAsync();
        Assert.Equal(KmsError.BackendUnavailable, (await here.UnwrapAsync(newer)).Error);
        Assert.Equal(BackendCalls.DataKey, (await here.UnwrapAsync(known)).Plaintext);
    }

    [Fact]
    public async Task AfterAWriteOfUnknownFate_WhatWasKeptIsNotTrusted()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        fixture.Vault.Faults.Add(Fault.LoseAnswer("secret/*", times: 1) with { Method = "POST" });
        Assert.Equal(KmsError.BackendUnavailable, (await Assert.ThrowsAsync<KmsException>(() => backend.ChangeAsync(Key, new KeyChange.Disable()))).Error);
        Assert.Equal(KmsError.KeyDisabled, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public async Task AKey_IsReadAgain_WhenItsTimeIsOver()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        fixture.Edit(Key, static record => record["status"] = "Disabled");
        fixture.Clock.Pass(TimeSpan.FromMinutes(4));
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        fixture.Clock.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(KmsError.KeyDisabled, (await backend.WrapAsync(Key)).Error);
        Assert.Equal(1, backend.CacheCounts!.Value.Entries);
        backend.ClearCache();
        Assert.Equal(0, backend.CacheCounts!.Value.Entries);
    }

    [Fact]
    public async Task WithoutACache_EveryOperationReads()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync(cache: false);
        await backend.CreateAsync(Key);
        fixture.Vault.Requests.Clear();
        byte[] given = (await backend.WrapAsync(Key)).Blob;

        // The wraps are reserved beside, with a read of their own.
        await fixture.Vault.Requests.WaitForAsync(1, "secret/*", "POST", TestContext.Current.CancellationToken);
        fixture.Vault.Requests.Clear();
        for (int i = 0; i < 5; i++)
        {
            await backend.UnwrapAsync(given);
            await backend.FindAsync("absent");
        }

        Assert.Equal((5, 5), (fixture.CountOf("GET", Key), fixture.CountOf("GET", "absent")));
        fixture.Edit(Key, static record => record["status"] = "Disabled");
        Assert.Equal(KmsError.KeyDisabled, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public async Task ManyAtOnce_ReadAKeyOnce()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        await (await fixture.OpenAsync()).CreateAsync(Key);
        Kv2Backend backend = await fixture.OpenAsync();
        fixture.Vault.Requests.Clear();
        (KmsError Error, uint Version, byte[] Blob)[] wrapped = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => backend.WrapAsync(Key)));
        Assert.All(wrapped, static one => Assert.Equal(KmsError.None, one.Error));

        // One more may be of the reservation.
        Assert.InRange(fixture.CountOf("GET"), 1, 2);
    }

    [Fact]
    public async Task NoMoreAreKept_ThanMay()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync(maxCachedKeys: 3);
        for (int i = 0; i < 5; i++)
        {
            await backend.CreateAsync($"key-{i}");
        }

        Assert.Equal((3, 2L), (backend.CacheCounts!.Value.Entries, backend.CacheCounts!.Value.Evictions));
    }

    [Fact]
    public async Task AnAbsentKey_IsAskedForOnce_ForAShortTime()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("default")).Error);
        }

        Assert.Equal(1, fixture.CountOf("GET", "default"));
        await (await fixture.OpenAsync()).CreateAsync("default");
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("default")).Error);
        fixture.Clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(KmsError.None, (await backend.FindAsync("default")).Error);
    }

    [Fact]
    public async Task AnAbsentKey_IsThereAtOnce_WhenItIsMadeHere()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync(Key)).Error);
        await backend.CreateAsync(Key);
        Assert.Equal(KmsError.None, (await backend.FindAsync(Key)).Error);
        await backend.DestroyAsync(Key);
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync(Key)).Error);
        await backend.CreateAsync(Key);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public void AbsentKeys_AreForgotten_WhenOneWasMadeSinceTheLook()
    {
        AbsentKeys absent = new(TimeSpan.FromSeconds(2), TimeProvider.System);
        long epoch = absent.Epoch;
        absent.Remove(Key);
        absent.Add(Key, epoch);
        Assert.False(absent.Contains(Key));
        for (int i = 0; i < 10_000; i++)
        {
            absent.Add($"{i}", absent.Epoch);
        }

        Assert.True(absent.Contains("9999"));
        Assert.InRange(Enumerable.Range(0, 10_000).Count(i => absent.Contains($"{i}")), 1, 256);
    }
}
