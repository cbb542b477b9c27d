using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>A stop waits for no server that another change waits for.</summary>
public sealed class StopTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TempDirectory _directory = new();
    private readonly ServiceUnderTest _service;
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StopTests() => _service = new ServiceUnderTest(_directory.FullPath);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _service.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task StartUnderWay_GivesWay()
    {
        await _service.ConfigureAsync(ServiceUnderTest.Local("/a"));
        _service.Place("/a").Hangs = _reached;
        Task start = _service.StartAsync();
        await _reached.Task.WaitAsync(Limit, Cancellation);

        await _service.StopAsync().WaitAsync(Limit, Cancellation);

        KmsException gaveWay = await Assert.ThrowsAsync<KmsException>(() => start);
        Assert.Equal((KmsError.WrongState, "this gave way to a stop; the configuration is as it was"), (gaveWay.Error, gaveWay.Message));
        Assert.Equal(ServiceState.Configured, _service.State);
        _service.Place("/a").Hangs = null;
        await _service.StartAsync();
        Assert.Equal(ServiceState.Running, _service.State);
    }

    [Fact]
    public async Task ReconfigureUnderWay_AndThoseThatWaitBehindIt_GiveWay()
    {
        await _service.RunAsync("/a");
        _service.Place("/b").Hangs = _reached;
        Task first = _service.ReconfigureAsync(ServiceUnderTest.Local("/b"));
        await _reached.Task.WaitAsync(Limit, Cancellation);
        Task second = _service.ReconfigureAsync(ServiceUnderTest.Local("/b"));

        await _service.StopAsync().WaitAsync(Limit, Cancellation);

        await Assert.ThrowsAsync<KmsException>(() => first);
        await Assert.ThrowsAsync<KmsException>(() => second);
        Assert.Equal((ServiceState.Configured, 1), (_service.State, _service.Service.Generation));
        Assert.Equal("/a", _service.Look(static snapshot => snapshot.Document!.Text(ConfigurationField.KeyDir)));
    }

    [Fact]
    public async Task ChangeOfKeysUnderWay_EndsAsItWould_AndIsWaitedForByTheNextStart()
    {
        await _service.RunAsync("/a");
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _service.Place("/a").HoldsCreation = held;
        Task creation = _service.CreateKeyAsync("slow");

        await _service.StopAsync().WaitAsync(Limit, Cancellation);

        Assert.Equal(KmsError.NotRunning, (await _service.WrapAsync()).Error);
        Task start = _service.StartAsync();
        Assert.NotSame(start, await Task.WhenAny(start, Task.Delay(300, Cancellation)));
        Assert.False(creation.IsCompleted);
        held.SetResult();
        await creation.WaitAsync(Limit, Cancellation);
        await start.WaitAsync(Limit, Cancellation);
        Assert.True(_service.Place("/a").Material.ContainsKey("slow"));
        Assert.Equal(KmsError.None, (await _service.WrapAsync("slow")).Error);
    }

    [Fact]
    public async Task CallerWhoLeaves_IsNotTakenForAStop()
    {
        await _service.ConfigureAsync(ServiceUnderTest.Local("/a"));
        _service.Place("/a").Hangs = _reached;
        using CancellationTokenSource leaving = new();
        Task start = _service.Service.StartAsync(force: false, ServiceUnderTest.Operator, leaving.Token);
        await _reached.Task.WaitAsync(Limit, Cancellation);

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
    }
}
