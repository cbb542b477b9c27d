using System.Text;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>Callers that share calls, against a double over the real client.</summary>
public sealed class TransitCoalescerTests
{
    private const string Key = "shared";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LoneCallers_SendSingleCalls()
    {
        await using Rig rig = await Rig.StartAsync();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Text(i), await rig.DecryptAsync(await rig.EncryptAsync(Text(i), i), i));
        }

        Assert.Equal(6, rig.Fixture.CountOf("transit/*crypt/*"));
        Assert.All(rig.Fixture.Vault.Requests.Of("transit/*crypt/*"), static request => Assert.Equal(0, request.BatchSize));
    }

    [Fact]
    public async Task ThoseWhoWait_ShareTheNextCall()
    {
        await using Rig rig = await Rig.StartAsync();
        Fault hang = Fault.Hang("transit/encrypt/*");
        rig.Fixture.Vault.Faults.Add(hang);
        Task<byte[]>[] callers = [.. Enumerable.Range(0, 100).Select(i => rig.EncryptAsync(Text(i), i))];
        await rig.Fixture.Vault.Requests.WaitForAsync(2, "transit/encrypt/*", cancellation: Cancellation);
        rig.Fixture.Vault.Faults.Clear(hang);
        byte[][] ciphertexts = await Task.WhenAll(callers);

        // Two went at once, and the first slot that became free took as many of the 98 as go into a call.
        Assert.Equal([0, 0, 34, 64], rig.BatchSizes);
        for (int i = 0; i < callers.Length; i++)
        {
            Assert.Equal(Text(i), await rig.DecryptAsync(ciphertexts[i], i));
        }

        Assert.Equal(0, rig.Coalescer.LaneCount);
    }

    [Fact]
    public async Task EachCaller_GetsItsOwnAnswer_WhateverTheOthersDo()
    {
        await using Rig rig = await Rig.StartAsync(keys: ["shared", "second", "third"]);
        string[] keys = ["shared", "second", "third"];
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            Random random = new(i);
            string key = keys[i % keys.Length];
            byte[] ciphertext = await rig.EncryptAsync(Text(i), i, key);
            using CancellationTokenSource leaving = new();
            switch (random.Next(4))
            {
                case 0:
                    // Another context: it alone fails.
                    using (TransitItem item = await rig.Coalescer.RunAsync(key, Item(ciphertext, i + 1), Cancellation))
                    {
                        Assert.Equal(KmsError.InvalidCiphertext, item.Error);
                        Assert.Equal("cipher: message authentication failed", item.Reason);
                    }

                    break;
                case 1:
                    leaving.CancelAfter(TimeSpan.FromMilliseconds(random.NextDouble()));
                    try
                    {
                        using TransitItem item = await rig.Coalescer.RunAsync(key, Item(ciphertext, i), leaving.Token);
                        Assert.Equal(Text(i), item.Result.ToArray());
                    }
                    catch (OperationCanceledException) when (leaving.IsCancellationRequested)
                    {
                        // Gone, as it wanted.
                    }

                    break;
                default:
                    Assert.Equal(Text(i), await rig.DecryptAsync(ciphertext, i, key));
                    break;
            }
        });

        Assert.All(rig.Fixture.Vault.Requests.Of("transit/*crypt/*"), static request => Assert.InRange(request.BatchSize, 0, TransitCoalescer.MaxBatch));
        Assert.All(keys, key => Assert.InRange(rig.MostInFlightOf(key), 1, TransitCoalescer.SlotsPerLane));
        Assert.True(rig.Fixture.CountOf("transit/*crypt/*") < 1200, "no call was shared");
        await rig.SettleAsync();
        Assert.Equal(0, rig.Coalescer.LaneCount);
    }

    [Fact]
    public async Task WhoLeaves_HarmsNobody()
    {
        await using Rig rig = await Rig.StartAsync();
        Fault hang = Fault.Hang("transit/encrypt/*");
        rig.Fixture.Vault.Faults.Add(hang);
        using CancellationTokenSource leaving = new();
        Task<byte[]>[] first = [.. Enumerable.Range(0, 2).Select(i => rig.EncryptAsync(Text(i), i))];
        Task<byte[]>[] waiting = [.. Enumerable.Range(2, 10).Select(i => rig.EncryptAsync(Text(i), i, Key, i % 2 == 0 ? leaving.Token : Cancellation))];
        await rig.Fixture.Vault.Requests.WaitForAsync(2, "transit/encrypt/*", cancellation: Cancellation);
        await leaving.CancelAsync();
        foreach (Task<byte[]> gone in waiting.Where(static (_, at) => at % 2 == 0))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        }

        rig.Fixture.Vault.Faults.Clear(hang);
        await Task.WhenAll(first);
        byte[][] stayed = await Task.WhenAll(waiting.Where(static (_, at) => at % 2 == 1));
        Assert.Equal(Text(3), await rig.DecryptAsync(stayed[0], 3));

        // Those who left before their call began are not in it.
        Assert.Equal([0, 0, 5], rig.BatchSizes);
    }

    [Fact]
    public async Task WhoLeavesDuringTheirCall_HarmsNobody()
    {
        await using Rig rig = await Rig.StartAsync();
        using CancellationTokenSource leaving = new();
        (Task<TransitItem>[] callers, Fault hang) = await rig.HoldABatchAsync(5, ofTheFirst: leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => callers[0]);
        rig.Fixture.Vault.Faults.Clear(hang);
        using TransitItem stayed = await callers[1];
        Assert.Equal(Text(1), await rig.DecryptAsync(stayed.Result.ToArray(), 1));
        await rig.SettleAsync();
    }

    [Theory]
    [InlineData(500, nameof(KmsError.BackendUnavailable))]
    [InlineData(503, nameof(KmsError.BackendUnavailable))]
    [InlineData(429, nameof(KmsError.BackendUnavailable))]
    [InlineData(403, nameof(KmsError.BackendRejected))]
    [InlineData(400, nameof(KmsError.BackendRejected))]
    [InlineData(200, nameof(KmsError.BackendRejected))]
    public async Task FaultOfASharedCall_IsThatOfAllInIt_AndOfNobodyElse(int status, string expected)
    {
        await using Rig rig = await Rig.StartAsync();
        (Task<TransitItem>[] callers, Fault hang) = await rig.HoldABatchAsync(5, then: Fault.Refuse(status, "transit/encrypt/*", times: 1));
        rig.Fixture.Vault.Faults.Clear(hang);
        foreach (TransitItem item in await Task.WhenAll(callers))
        {
            Assert.Equal(expected, item.Error.ToString());
            Assert.NotEmpty(item.Reason);
            Assert.True(item.Result.IsEmpty);
            item.Dispose();
        }

        Assert.Equal(Text(7), await rig.DecryptAsync(await rig.EncryptAsync(Text(7), 7), 7));
    }

    [Fact]
    public async Task BatchThatIsTooComplex_IsHalved_AndTheLimitRemembered()
    {
        await using Rig rig = await Rig.StartAsync();
        (Task<TransitItem>[] callers, Fault hang) = await rig.HoldABatchAsync(40, then: Fault.Instead(
            400, """{"errors":["refused JSON input due to high complexity: exceeded maximum number of strings"]}""", "transit/encrypt/*", times: 1));
        rig.Fixture.Vault.Faults.Clear(hang);
        for (int i = 0; i < callers.Length; i++)
        {
            using TransitItem item = await callers[i];
            Assert.Equal(Text(i), await rig.DecryptAsync(item.Result.ToArray(), i));
        }

        Assert.Equal(20, rig.Coalescer.BatchLimit);
        Assert.Equal([0, 0, 20, 20, 40], rig.BatchSizes);
    }

    [Fact]
    public async Task TooManyWhoWait_AreRefusedAtOnce()
    {
        await using Rig rig = await Rig.StartAsync();
        Fault hang = Fault.Hang("transit/encrypt/*");
        rig.Fixture.Vault.Faults.Add(hang);
        Task<TransitItem>[] callers =
        [
            .. Enumerable.Range(0, TransitCoalescer.SlotsPerLane + TransitCoalescer.MaxWaiting)
                .Select(i => rig.Coalescer.RunAsync(Key, TransitItem.Encrypt(Text(i), default), Cancellation).AsTask()),
        ];
        using TransitItem refused = await rig.Coalescer.RunAsync(Key, TransitItem.Encrypt(Text(0), default), Cancellation);
        Assert.Equal(KmsError.BackendUnavailable, refused.Error);
        Assert.DoesNotContain(callers, static caller => caller.IsCompleted);
        rig.Fixture.Vault.Faults.Clear(hang);
        Assert.All(await Task.WhenAll(callers), static item => Assert.Equal(KmsError.None, item.Error));
    }

    private static byte[] Text(int number) => Encoding.ASCII.GetBytes($"plaintext {number}");

    private static byte[] Data(int number) => Encoding.ASCII.GetBytes($"{{\"n\":\"{number}\"}}");

    private static TransitItem Item(byte[] ciphertext, int data) => TransitItem.Decrypt(ciphertext, Data(data));

    /// <summary>A coalescer over a client over a double, with a look at what is under way between the two.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly VaultClient _client;
        private readonly CountedVault _counted;

        private Rig(TransitFixture fixture, VaultClient client)
        {
            Fixture = fixture;
            _client = client;
            _counted = new CountedVault(client);
            Coalescer = new TransitCoalescer(new TransitEngine(_counted, "transit")) { BatchLimit = TransitCoalescer.MaxBatch };
        }

        public TransitFixture Fixture { get; }

        public TransitCoalescer Coalescer { get; }

        public IEnumerable<int> BatchSizes => Fixture.Vault.Requests.Of("transit/encrypt/*").Select(static request => request.BatchSize).Order();

        public static async Task<Rig> StartAsync(string[]? keys = null)
        {
            TransitFixture fixture = await TransitFixture.StartAsync();
            foreach (string key in keys ?? [Key])
            {
                fixture.Vault.Admin.CreateTransitKey(key);
            }

            return new Rig(fixture, await fixture.ConnectAsync());
        }

        public async Task<byte[]> EncryptAsync(byte[] text, int data, string key = Key, CancellationToken? cancellation = null)
        {
            using TransitItem item = await Coalescer.RunAsync(key, TransitItem.Encrypt(text, Data(data)), cancellation ?? Cancellation);
            Assert.Equal((KmsError.None, ""), (item.Error, item.Reason));
            return item.Result.ToArray();
        }

        public async Task<byte[]> DecryptAsync(byte[] ciphertext, int data, string key = Key)
        {
            using TransitItem item = await Coalescer.RunAsync(key, Item(ciphertext, data), Cancellation);
            Assert.Equal((KmsError.None, ""), (item.Error, item.Reason));
            return item.Result.ToArray();
        }

        public int MostInFlightOf(string key) => Math.Max(_counted.Most($"transit/encrypt/{key}"), _counted.Most($"transit/decrypt/{key}"));

        /// <summary>Encryptions that share a call, which hangs.</summary>
        /// <param name="then">What the shared call meets beside.</param>
        public async Task<(Task<TransitItem>[] Callers, Fault Hang)> HoldABatchAsync(
            int count, CancellationToken? ofTheFirst = null, Fault? then = null)
        {
            Fault first = Fault.Hang("transit/encrypt/*", times: 2);
            Fixture.Vault.Faults.Add(first);
            Task<byte[]>[] slots = [.. Enumerable.Range(0, 2).Select(i => EncryptAsync(Text(i), i))];
            await Fixture.Vault.Requests.WaitForAsync(2, "transit/encrypt/*", cancellation: Cancellation);
            Task<TransitItem>[] callers =
            [
                .. Enumerable.Range(0, count).Select(i => Coalescer.RunAsync(
                    Key, TransitItem.Encrypt(Text(i), Data(i)), i == 0 ? ofTheFirst ?? Cancellation : Cancellation).AsTask()),
            ];
            Fault hang = Fault.Hang("transit/encrypt/*");
            Fixture.Vault.Faults.Add(hang);
            if (then is not null)
            {
                Fixture.Vault.Faults.Add(then);
            }

            Fixture.Vault.Faults.Clear(first);
            await Task.WhenAll(slots);
            await Fixture.Vault.Requests.WaitForAsync(3, "transit/encrypt/*", cancellation: Cancellation);
            return (callers, hang);
        }

        /// <summary>Ends when nothing is under way: callers who left do not wait for their calls.</summary>
        public async Task SettleAsync()
        {
            while (Coalescer.LaneCount > 0)
            {
                await Task.Delay(1, Cancellation);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _client.DisposeAsync();
            await Fixture.DisposeAsync();
        }
    }
}
