using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Operations;

public sealed class DataKeyProbeTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly ServiceUnderTest _service;
    private readonly DataKeyProbe _probe;

    public DataKeyProbeTests()
    {
        _service = new ServiceUnderTest(_directory.PathOf("state"), clock: _clock);
        _probe = new DataKeyProbe(_service.Service, _clock);
    }

    private MemoryPlace Place => _service.Place("/a");

    public void Dispose()
    {
        _service.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task KeyInThisProcess_IsTriedEveryTime()
    {
        await StartAsync(elsewhere: false);

        Assert.Null(await AskAsync());
        Assert.Null(await AskAsync());

        Assert.Equal(2, Place.WrapCount);
    }

    [Fact]
    public async Task KeyElsewhere_IsTriedOnceInAnInterval()
    {
        await StartAsync(elsewhere: true);

        Assert.Null(await AskAsync());
        _clock.Advance(DataKeyProbe.Interval - TimeSpan.FromSeconds(1));
        Assert.Null(await AskAsync());
        Assert.Equal(1, Place.WrapCount);

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await AskAsync());
        Assert.Equal(2, Place.WrapCount);
    }

    [Fact]
    public async Task ManyAtOnce_ShareOneTry()
    {
        await StartAsync(elsewhere: true);
        Place.HoldsWraps = new TaskCompletionSource();

        Task<KmsException?>[] asked = [.. Enumerable.Range(0, 20).Select(_ => AskAsync())];
        Place.HoldsWraps.SetResult();

        Assert.All(await Task.WhenAll(asked), Assert.Null);
        Assert.Equal(1, Place.WrapCount);
    }

    [Fact]
    public async Task Failure_IsTriedAgainSooner()
    {
        await StartAsync(elsewhere: true);
        byte[] material = Place.Material["master"];
        Place.Material.TryRemove("master", out _);
        Assert.Equal(KmsError.KeyNotFound, (await AskAsync())!.Error);

        Place.Material["master"] = material;
        Assert.NotNull(await AskAsync());
        _clock.Advance(DataKeyProbe.IntervalAfterFailure);
        Assert.Null(await AskAsync());
    }

    [Fact]
    public async Task AnotherConfiguration_IsTriedAnew()
    {
        await StartAsync(elsewhere: true);
        Assert.Null(await AskAsync());

        await _service.StartAsync(force: true);

        Assert.Null(await AskAsync());
        Assert.Equal(2, Place.WrapCount);
    }

    [Fact]
    public async Task WhoeverLeaves_DoesNotEndTheTryOfOthers()
    {
        await StartAsync(elsewhere: true);
        Place.HoldsWraps = new TaskCompletionSource();
        using CancellationTokenSource leaves = new();
        Task<KmsException?> first = AskUntilAsync(leaves.Token);
        Task<KmsException?> second = AskAsync();

        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Place.HoldsWraps.SetResult();

        Assert.Null(await second);
    }

    private async Task StartAsync(bool elsewhere)
    {
        Place.IsElsewhere = elsewhere;
        await _service.ConfigureAsync(ServiceUnderTest.Local("/a"));
        await _service.StartAsync();
    }

    private Task<KmsException?> AskAsync() => AskUntilAsync(TestContext.Current.CancellationToken);

    private async Task<KmsException?> AskUntilAsync(CancellationToken cancellation)
    {
        using SnapshotLease lease = _service.Service.Acquire();
        return await _probe.FindFaultAsync(lease.Snapshot, cancellation);
    }
}
