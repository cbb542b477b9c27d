using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using KmsSidecar.Errors;
using KmsSidecar.Sharing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Sharing;

/// <summary>Values are fetched once, kept for their time, and disposed after their last user, whatever comes between.</summary>
public sealed class LeaseCacheTests : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private readonly FakeTimeProvider _clock = new();
    private readonly LeaseCache<string, Value> _cache;

    public LeaseCacheTests() => _cache = new LeaseCache<string, Value>(capacity: 3, Lifetime, _clock);

    public void Dispose() => _cache.Dispose();

    [Fact]
    public async Task Value_IsFetchedOnce_AndKeptForItsTime()
    {
        Value first = await GetAsync("a");
        Assert.Same(first, await GetAsync("a"));

        _clock.Advance(Lifetime - TimeSpan.FromTicks(1));
        Assert.Same(first, await GetAsync("a"));
        Assert.False(first.IsDisposed);

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.NotSame(first, await GetAsync("a"));
        Assert.True(first.IsDisposed);
        Assert.Equal(new CacheCounts(Hits: 2, Misses: 2, Evictions: 0, Entries: 1), _cache.Counts);
    }

    [Fact]
    public async Task Value_IsDisposedByItsAge_ThoughNobodyAsks()
    {
        Value value = await GetAsync("a");
        _clock.Advance(Lifetime * 2);
        Assert.True(value.IsDisposed);
        Assert.Equal(0, _cache.Counts.Entries);
    }

    [Fact]
    public async Task LeastRecentlyUsed_GoesFirst()
    {
        Value a = await GetAsync("a");
        Value b = await GetAsync("b");
        await GetAsync("c");
        await GetAsync("a");
        await GetAsync("d");

        Assert.True(b.IsDisposed);
        Assert.False(a.IsDisposed);
        Assert.Equal((1, 3), (_cache.Counts.Evictions, _cache.Counts.Entries));
    }

    [Theory]
    [InlineData("remove")]
    [InlineData("clear")]
    [InlineData("set")]
    [InlineData("age")]
    [InlineData("evict")]
    [InlineData("dispose")]
    public async Task LentValue_LivesUntilItIsGivenBack(string way)
    {
        (_, Lease<Value> lease) = await AskAsync("a");
        switch (way)
        {
            case "remove":
                _cache.Remove("a");
                break;
            case "clear":
                _cache.Clear();
                break;
            case "set":
                _cache.Set("a", new Value());
                break;
            case "age":
                _clock.Advance(Lifetime * 2);
                break;
            case "evict":
                await GetAsync("b");
                await GetAsync("c");
                await GetAsync("d");
                break;
            default:
                _cache.Dispose();
                break;
        }

        Assert.False(lease.Value!.IsDisposed);
        Value value = lease.Value;
        lease.Dispose();
        Assert.True(value.IsDisposed);
    }

    [Fact]
    public async Task ConcurrentCallers_ShareOneFetch()
    {
        TaskCompletionSource<(KmsError, Value?)> fetch = new();
        int fetches = 0;
        Task<(KmsError, Lease<Value>)>[] callers =
        [
            .. Enumerable.Range(0, 20).Select(_ => _cache.GetAsync("a", 0, (_, _) => Fetched(), Cancellation).AsTask()),
        ];
        Value value = new();
        fetch.SetResult((KmsError.None, value));
        (KmsError, Lease<Value>)[] got = await Task.WhenAll(callers);

        Assert.Equal(1, fetches);
        Assert.All(got, each => Assert.Same(value, each.Item2.Value));
        _cache.Clear();
        Assert.All(got, each =>
        {
            Assert.False(value.IsDisposed);
            each.Item2.Dispose();
        });
        Assert.True(value.IsDisposed);

        Task<(KmsError, Value?)> Fetched()
        {
            fetches++;
            return fetch.Task;
        }
    }

    [Fact]
    public async Task FailedFetch_IsNotKept_AndFailsAllWhoWait()
    {
        Assert.Equal(KmsError.BackendUnavailable, (await _cache.GetAsync("a", 0, static (_, _) => Failed(), Cancellation)).Error);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _cache.GetAsync("a", 0, static (_, _) => Thrown(), Cancellation));
        Assert.False((await GetAsync("a")).IsDisposed);

        static Task<(KmsError, Value?)> Failed() => Task.FromResult<(KmsError, Value?)>((KmsError.BackendUnavailable, null));

        static Task<(KmsError, Value?)> Thrown() => Task.FromException<(KmsError, Value?)>(new InvalidOperationException());
    }

    [Fact]
    public async Task CancelledCaller_LeavesTheOthersAlone()
    {
        TaskCompletionSource<(KmsError, Value?)> fetch = new();
        using CancellationTokenSource gone = new();
        Task<(KmsError, Lease<Value>)> leaver = _cache.GetAsync("a", 0, (_, _) => fetch.Task, gone.Token).AsTask();
        Task<(KmsError, Lease<Value>)> stayer = _cache.GetAsync("a", 0, (_, _) => fetch.Task, Cancellation).AsTask();

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        Value value = new();
        fetch.SetResult((KmsError.None, value));
        Lease<Value> lease = (await stayer).Item2;
        _cache.Clear();
        Assert.False(value.IsDisposed);
        lease.Dispose();
        Assert.True(value.IsDisposed);
    }

    /// <summary>What was fetched before a change would be older than the change.</summary>
    [Fact]
    public async Task FetchThatARemovalOvertakes_IsNotKept()
    {
        TaskCompletionSource<(KmsError, Value?)> fetch = new();
        Task<(KmsError, Lease<Value>)> early = _cache.GetAsync("a", 0, (_, _) => fetch.Task, Cancellation).AsTask();
        _cache.Remove("a");
        Value late = await GetAsync("a");
        fetch.SetResult((KmsError.None, new Value()));
        Lease<Value> lease = (await early).Item2;

        Assert.Same(late, await GetAsync("a"));
        Value old = lease.Value!;
        lease.Dispose();
        Assert.True(old.IsDisposed);
    }

    [Fact]
    public async Task WithoutRoom_NothingIsKept()
    {
        using LeaseCache<string, Value> none = new(capacity: 0, Lifetime, _clock);
        (_, Lease<Value> lease) = await none.GetAsync("a", 0, static (_, _) => Made(), Cancellation);
        Value value = lease.Value!;
        lease.Dispose();
        Assert.True(value.IsDisposed);
        Value set = new();
        none.Set("a", set);
        Assert.True(set.IsDisposed);
        Assert.Equal(0, none.Counts.Entries);
    }

    [Fact]
    public async Task Refresh_TakesThePlaceOfWhatIsKept_UnlessItFails()
    {
        Value kept = await GetAsync("a");
        Assert.Equal(KmsError.BackendTimeout, (await _cache.RefreshAsync("a", 0, static (_, _) => Failed(), Cancellation)).Error);
        Assert.Same(kept, await GetAsync("a"));

        (_, Lease<Value> lease) = await _cache.RefreshAsync("a", 0, static (_, _) => Made(), Cancellation);
        Assert.True(kept.IsDisposed);
        Assert.Same(lease.Value, await GetAsync("a"));
        lease.Dispose();

        static Task<(KmsError, Value?)> Failed() => Task.FromResult<(KmsError, Value?)>((KmsError.BackendTimeout, null));
    }

    /// <summary>What was begun before may be older than the reason to ask again.</summary>
    [Fact]
    public async Task Refresh_DoesNotWaitForAFetchThatIsUnderWay()
    {
        TaskCompletionSource<(KmsError, Value?)> fetch = new();
        Task<(KmsError, Lease<Value>)> early = _cache.GetAsync("a", 0, (_, _) => fetch.Task, Cancellation).AsTask();
        (_, Lease<Value> late) = await _cache.RefreshAsync("a", 0, static (_, _) => Made(), Cancellation);
        fetch.SetResult((KmsError.None, new Value()));
        (await early).Item2.Dispose();
        Assert.Same(late.Value, await GetAsync("a"));
        late.Dispose();
    }

    /// <summary>Else a cache of ten values holds as many as pass through it in its time.</summary>
    [Fact]
    public void WhatHasLeft_IsNotHeld()
    {
        _cache.Set("stays", new Value());
        WeakReference left = SetAndRemove();
        GC.Collect();
        Assert.False(left.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        WeakReference SetAndRemove()
        {
            Value value = new();
            _cache.Set("leaves", value);
            _cache.Remove("leaves");
            return new WeakReference(value);
        }
    }

    /// <summary>Whatever happens in whatever order: nobody holds a value that is disposed, and in the end all are.</summary>
    [Fact]
    public async Task ManyCallers_NeverHoldADisposedValue()
    {
        ConcurrentBag<Value> made = [];
        int wrong = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            Random random = new(worker);
            for (int i = 0; i < 2_000; i++)
            {
                string key = ((char)('a' + random.Next(6))).ToString();
                switch (random.Next(20))
                {
                    case 0:
                        _cache.Remove(key);
                        break;
                    case 1:
                        _cache.Clear();
                        break;
                    case 2:
                        Value set = new();
                        made.Add(set);
                        _cache.Set(key, set);
                        break;
                    default:
                        using (CancellationTokenSource leaving = new())
                        {
                            ValueTask<(KmsError, Lease<Value> Lease)> asked = _cache.GetAsync(key, made, FetchAsync, leaving.Token);
                            if (random.Next(10) == 0)
                            {
                                await leaving.CancelAsync();
                            }

                            try
                            {
                                using Lease<Value> lease = (await asked).Lease;
                                Interlocked.Add(ref wrong, lease.Value!.IsDisposed ? 1 : 0);
                            }
                            catch (OperationCanceledException)
                            {
                                // It left.
                            }
                        }

                        break;
                }
            }
        })));

        _cache.Dispose();
        Assert.Equal(0, wrong);
        Assert.True(SpinWait.SpinUntil(() => made.All(static value => value.IsDisposed), TimeSpan.FromSeconds(10)));

        static async Task<(KmsError, Value?)> FetchAsync(string key, ConcurrentBag<Value> made)
        {
            Value value = new();
            made.Add(value);
            await Task.Yield();
            return (KmsError.None, value);
        }
    }

    private static Task<(KmsError, Value?)> Made() => Task.FromResult<(KmsError, Value?)>((KmsError.None, new Value()));

    private ValueTask<(KmsError Error, Lease<Value> Lease)> AskAsync(string key) => _cache.GetAsync(key, 0, static (_, _) => Made(), Cancellation);

    private async Task<Value> GetAsync(string key)
    {
        using Lease<Value> lease = (await AskAsync(key)).Lease;
        return lease.Value!;
    }

    private sealed class Value : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose()
        {
            Assert.False(IsDisposed);
            IsDisposed = true;
        }
    }
}
