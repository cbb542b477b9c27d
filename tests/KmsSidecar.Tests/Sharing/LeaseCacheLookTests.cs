using KmsSidecar.Errors;
using KmsSidecar.Sharing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Sharing;

/// <summary>Those who look at many values take nobody's place.</summary>
public sealed class LeaseCacheLookTests : IDisposable
{
    private readonly LeaseCache<string, Value> _cache = new(capacity: 3, TimeSpan.FromSeconds(60), new FakeTimeProvider());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _cache.Dispose();

    [Fact]
    public async Task Look_TakesNobodysPlace_AndIsNoUse()
    {
        Value a = await GetAsync("a");
        await GetAsync("b");
        Value seen = await LookAsync("c");
        Assert.Same(seen, await LookAsync("c"));

        Value passing = await LookAsync("d");
        Assert.True(passing.IsDisposed);
        Assert.Same(a, await LookAsync("a"));
        Assert.Equal(new CacheCounts(Hits: 0, Misses: 2, Evictions: 0, Entries: 3), _cache.Counts);

        // What was only looked at goes before what was used.
        await GetAsync("d");
        Assert.Equal((true, false), (seen.IsDisposed, a.IsDisposed));
        await GetAsync("e");
        Assert.True(a.IsDisposed);
    }

    [Fact]
    public async Task UserWhoJoinsALook_HasItKept()
    {
        await GetAsync("a");
        await GetAsync("b");
        await GetAsync("c");
        TaskCompletionSource<(KmsError, Value?)> fetch = new();
        ValueTask<(KmsError, Lease<Value> Lease)> looking = _cache.LookAsync("d", 0, (_, _) => fetch.Task, Cancellation);
        ValueTask<(KmsError, Lease<Value> Lease)> joining = _cache.GetAsync("d", 0, (_, _) => fetch.Task, Cancellation);
        Value value = new();
        fetch.SetResult((KmsError.None, value));
        (await looking).Lease.Dispose();
        (await joining).Lease.Dispose();

        Assert.Same(value, await GetAsync("d"));
    }

    private static Task<(KmsError, Value?)> Made() => Task.FromResult<(KmsError, Value?)>((KmsError.None, new Value()));

    private async Task<Value> GetAsync(string key)
    {
        using Lease<Value> lease = (await _cache.GetAsync(key, 0, static (_, _) => Made(), Cancellation)).Lease;
        return lease.Value!;
    }

    private async Task<Value> LookAsync(string key)
    {
        using Lease<Value> lease = (await _cache.LookAsync(key, 0, static (_, _) => Made(), Cancellation)).Lease;
        return lease.Value!;
    }

    private sealed class Value : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
