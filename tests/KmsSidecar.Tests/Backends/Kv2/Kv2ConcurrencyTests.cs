using System.Collections.Concurrent;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>Two backends, as of two nodes, on one store at the same time.</summary>
public sealed class Kv2ConcurrencyTests
{
    private const string Key = "shared";

    [Fact]
    public async Task Rotations_NeverLoseAVersion()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend[] nodes = [await fixture.OpenAsync(), await fixture.OpenAsync()];
        await nodes[0].CreateAsync(Key);
        ConcurrentBag<byte[]> given = [];
        int[] won = await Task.WhenAll(nodes.Select(async node =>
        {
            int count = 0;
            for (int i = 0; i < 30; i++)
            {
                count += await TryAsync(async () => await node.RotateAsync(Key)) ? 1 : 0;
                await TryAsync(async () => await node.ChangeAsync(Key, new KeyChange.Describe($"{i}")));
                given.Add((await node.WrapAsync(Key, i % 2 == 0 ? EnvelopeForm.Bound : EnvelopeForm.RustFs)).Blob);
            }

            return count;
        }));

        Assert.InRange(won.Sum(), 20, 60);
        Kv2Backend fresh = await fixture.OpenAsync();
        KeyDescription key = (await fresh.FindAsync(Key)).Key!;
        Assert.Equal((uint)won.Sum() + 1, key.Version);
        Assert.Equal(
            Enumerable.Range(1, won.Sum() + 1).Select(static number => (uint)number),
            (await fresh.ListVersionsAsync(key, TestContext.Current.CancellationToken)).Select(static version => version.Number));
        foreach (byte[] blob in given)
        {
            foreach (Kv2Backend node in (Kv2Backend[])[.. nodes, fresh])
            {
                Assert.Equal(BackendCalls.DataKey, (await node.UnwrapAsync(blob)).Plaintext);
            }
        }
    }

    [Fact]
    public async Task Creation_HasOneWinner()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend[] nodes = [await fixture.OpenAsync(), await fixture.OpenAsync()];
        for (int i = 0; i < 20; i++)
        {
            string key = $"key-{i}";
            KmsError[] errors = await Task.WhenAll(nodes.Select(async node =>
            {
                try
                {
                    await node.CreateAsync(key);
                    return KmsError.None;
                }
                catch (KmsException refused)
                {
                    return refused.Error;
                }
            }));
            Assert.Equal([KmsError.None, KmsError.KeyExists], errors.Order());
            Assert.Equal(BackendCalls.DataKey, (await nodes[0].UnwrapAsync((await nodes[1].WrapAsync(key)).Blob)).Plaintext);
        }
    }

    [Fact]
    public async Task Changes_OfDifferentThings_AreAllStored()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend[] nodes = [await fixture.OpenAsync(), await fixture.OpenAsync()];
        await nodes[0].CreateAsync(Key);
        List<string> expected = [];
        for (int i = 0; i < 20; i++)
        {
            await Task.WhenAll(nodes.Select((node, at) => node.ChangeAsync(Key, new KeyChange.Tag(Tags.None.Add($"{at}-{i}", "x")))));
            expected.AddRange([$"0-{i}", $"1-{i}"]);
        }

        Assert.Equal(expected.Order(StringComparer.Ordinal), (await (await fixture.OpenAsync()).FindAsync(Key)).Key!.Tags.Keys);
    }

    [Fact]
    public async Task AConflictThatDoesNotEnd_IsNamed_AndChangesNothing()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        Kv2Backend backend = await fixture.OpenAsync();
        await backend.CreateAsync(Key);
        fixture.Vault.Requests.Clear();
        const string Conflict = """{"errors":["check-and-set parameter did not match the current version"]}""";
        fixture.Vault.Faults.Add(Fault.Instead(400, Conflict, "secret/data/*") with { Method = "POST" });
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => backend.ChangeAsync(Key, new KeyChange.Disable()));
        Assert.Equal(KmsError.WrongState, refused.Error);
        Assert.Contains("another writer", refused.Message, StringComparison.Ordinal);
        Assert.Equal(3, fixture.CountOf("POST"));
        Assert.Equal(KeyState.Enabled, (await backend.FindAsync(Key)).Key!.State);
    }

    [Fact]
    public async Task AKeyRotatedElsewhere_OpensHere_AtOnce()
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        (Kv2Backend here, Kv2Backend there) = (await fixture.OpenAsync(), await fixture.OpenAsync());
        await here.CreateAsync(Key);
        byte[] first = (await here.WrapAsync(Key)).Blob;
        await there.RotateAsync(Key);
        byte[] second = (await there.WrapAsync(Key)).Blob;
        (KmsError error, uint version, byte[] plaintext) = await here.UnwrapAsync(second);
        Assert.Equal((KmsError.None, 2u), (error, version));
        Assert.Equal(BackendCalls.DataKey, plaintext);
        Assert.Equal(BackendCalls.DataKey, (await here.UnwrapAsync(first)).Plaintext);
        Assert.Equal(2u, (await here.WrapAsync(Key)).Version);
    }

    private static async Task<bool> TryAsync(Func<Task> operation)
    {
        try
        {
            await operation();
            return true;
        }
        catch (KmsException refused)
        {
            Assert.Equal(KmsError.WrongState, refused.Error);
            return false;
        }
    }
}
