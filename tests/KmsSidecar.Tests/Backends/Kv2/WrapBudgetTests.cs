using System.Collections.Concurrent;
using KmsSidecar.Backends;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

public sealed class WrapBudgetTests
{
    private const string Key = "k";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheFirstWrapOfAVersion_ReservesABlock_PerProcess()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend[] nodes = [await fixture.OpenAsync(), await fixture.OpenAsync()];
        await nodes[0].CreateAsync(Key);
        Assert.Equal(0, Reserved(fixture));
        foreach (Kv2Backend node in nodes)
        {
            int writes = fixture.CountOf("POST", Key);
            await node.WrapAsync(Key);
            await node.WrapAsync(Key);
            await fixture.Vault.Requests.WaitForAsync(writes + 1, $"secret/*/{Key}", "POST", Cancellation);
        }

        await UntilAsync(fixture, 2_000_000);
        await nodes[0].RotateAsync(Key);
        Assert.Equal(0, Reserved(fixture));
        await nodes[0].WrapAsync(Key);
        await UntilAsync(fixture, 1_000_000);
    }

    [Fact]
    public async Task ReadersReserveNothing()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend writer = await fixture.OpenAsync();
        await writer.CreateAsync(Key);
        byte[] given = (await writer.WrapAsync(Key)).Blob;
        await UntilAsync(fixture, 1_000_000);
        Kv2Backend reader = await fixture.OpenAsync(mode: OpenMode.Existing);
        fixture.Vault.Requests.Clear();
        await reader.UnwrapAsync(given);
        await reader.FindAsync(Key);
        await reader.ListAsync();
        reader.Dispose();
        Assert.Equal(0, fixture.CountOf("POST"));
    }

    [Fact]
    public async Task AWrap_DoesNotWaitForIt()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        fixture.Vault.Faults.Add(Fault.Hang("secret/*"));
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        fixture.Vault.Faults.Clear();
        await UntilAsync(fixture, 1_000_000);
    }

    [Fact]
    public async Task AReservationThatFails_IsToldAndStopsNothing()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        fixture.Vault.Faults.Add(Fault.Refuse(500, "secret/*"));
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
        while (fixture.Notices.IsEmpty)
        {
            await Task.Delay(5, Cancellation);
        }

        Assert.Contains($"'{Key}'", Assert.Single(fixture.Notices), StringComparison.Ordinal);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public async Task AReservationThatEndsLate_DoesNotBringBackWhatTheKeyWas()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        await (await fixture.OpenAsync()).CreateAsync(Key);
        await using VaultClient client = await fixture.ConnectAsync();
        HoldingVault holding = new(client);
        Kv2Store store = new(new KeyValueStore(holding, "secret", Kv2Fixture.Prefix));
        Kv2Settings settings = new("secret", Kv2Fixture.Prefix, CacheKeys: true, MaxCachedKeys: 10, TimeSpan.FromMinutes(5));
        using Kv2Keyring keys = new(store, settings, new BackendReports(static _ => { }, static _ => { }), fixture.Clock);
        Kv2Writer writer = new(store, keys, fixture.Clock);

        Task late = writer.ReserveAsync(Key, version: 1, wraps: 7, Cancellation);
        await holding.Held;
        await writer.ChangeAsync(Key, new KeyChange.Disable(), Cancellation);
        holding.Release();
        await late;
        (KmsError error, Lease<Kv2Key> lease) = await keys.GetAsync(Key, Cancellation);
        using (lease)
        {
            Assert.Equal((KmsError.None, KeyState.Disabled), (error, lease.Value!.Description.State));
        }

        Assert.Equal(7, Reserved(fixture));
    }

    [Fact]
    public async Task WhatCouldNotBeReserved_ComesWithTheNextBlock()
    {
        ConcurrentQueue<(uint Version, ulong Wraps)> reserved = [];
        SemaphoreSlim done = new(0);
        bool fails = true;
        WrapBudget budget = new((_, version, wraps, _) =>
        {
            bool isFailing = fails;
            reserved.Enqueue((version, wraps));
            done.Release();
            return isFailing ? throw new KmsException(KmsError.BackendUnavailable) : Task.CompletedTask;
        });
        await using (budget)
        {
            budget.Spend(Key, 1);
            await done.WaitAsync(Cancellation);
            Spend(budget, WrapBudget.BlockSize - 1);
            fails = false;
            budget.Spend(Key, 1);
            await done.WaitAsync(Cancellation);
            Spend(budget, WrapBudget.BlockSize);
            await done.WaitAsync(Cancellation);
            budget.Spend(Key, 2);
            await done.WaitAsync(Cancellation);
            budget.Spend(Key, 1);
        }

        Assert.Equal([(1u, 1_000_000ul), (1u, 2_000_000ul), (1u, 1_000_000ul), (2u, 1_000_000ul)], reserved);
    }

    [Fact]
    public async Task ManyAtOnce_ReserveWhatTheyWrap()
    {
        ulong reserved = 0;
        await using (WrapBudget budget = new((_, _, wraps, _) =>
        {
            Interlocked.Add(ref reserved, wraps);
            return Task.CompletedTask;
        }))
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Spend(budget, WrapBudget.BlockSize), Cancellation)));
            SpinWait.SpinUntil(() => Interlocked.Read(ref reserved) == 4_000_000, TimeSpan.FromSeconds(10));
        }

        Assert.Equal(4_000_000ul, reserved);
    }

    private static void Spend(WrapBudget budget, int wraps)
    {
        for (int i = 0; i < wraps; i++)
        {
            budget.Spend(Key, 1);
        }
    }

    private static long Reserved(Kv2Fixture fixture) => fixture.Stored(Key)!["wrap_budget_reserved"]!.GetValue<long>();

    private static async Task UntilAsync(Kv2Fixture fixture, long reserved)
    {
        while (Reserved(fixture) != reserved)
        {
            await Task.Delay(5, Cancellation);
        }
    }
}
