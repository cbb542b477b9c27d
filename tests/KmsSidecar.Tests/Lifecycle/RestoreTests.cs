using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>How a service comes back after the process ended, in good order or not.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task DefaultKeyThatIsGone_IsNotMadeAnewByARestart()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        first.Place("/a").Material.Clear();

        using ServiceUnderTest again = new(_directory.FullPath, first.Places);

        Assert.Equal(ServiceState.Error, again.State);
        Assert.Empty(again.Place("/a").Material);
        string reason = again.Look(static snapshot => snapshot.Error)!;
        Assert.Contains("'master'", reason, StringComparison.Ordinal);
        Assert.Contains("/a", reason, StringComparison.Ordinal);

        await again.StartAsync();
        Assert.True(again.Place("/a").Material.ContainsKey("master"), "a start by an operator makes it");
    }

    [Fact]
    public async Task FullDisk_DoesNotKeepARunningServiceDown()
    {
        ServiceUnderTest first = await RunAndEndAsync();

        using ServiceUnderTest again = new(_directory.FullPath, first.Places, new FillingDisk { IsFull = true });

        Assert.Equal(ServiceState.Running, again.State);
    }

    [Fact]
    public async Task ConfigureAfterAFailedRestore_IsNotStartedByTheNextRestart()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        first.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
        using (ServiceUnderTest second = new(_directory.FullPath, first.Places))
        {
            Assert.Equal(ServiceState.Error, second.State);
            await second.ConfigureAsync(ServiceUnderTest.Local("/b"));
            Assert.Equal(ServiceState.Configured, second.State);
        }

        using ServiceUnderTest third = new(_directory.FullPath, first.Places);

        Assert.Equal(ServiceState.Configured, third.State);
    }

    [Fact]
    public async Task ConfigureThatFailsAfterAFailedRestore_LeavesTheRunStateToo()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        KmsException? refused = null;
        int step = 0;
        do
        {
            first.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
            refused = await ConfigureWithFaultAtAsync(step, first);
            first.Place("/a").Fault = null;
            using ServiceUnderTest third = new(_directory.FullPath, first.Places);
            Assert.True(third.State == (refused is null ? ServiceState.Configured : ServiceState.Running), $"{third.State} after a fault at step {step}");
            step++;
        }
        while (refused is not null);

        Assert.True(step > 5, $"only {step} steps were refused");
    }

    [Fact]
    public async Task RunStateThatCannotBeRead_CountsAsRunning()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        File.Delete(_directory.PathOf("configuration/running"));
        Directory.CreateDirectory(_directory.PathOf("configuration/running"));

        using ServiceUnderTest again = new(_directory.FullPath, first.Places);

        Assert.Equal(ServiceState.Running, again.State);
    }

    [Fact]
    public async Task RequestAfterTheEnd_FindsNothingRunning()
    {
        ServiceUnderTest service = await RunAndEndAsync();

        Task<ServiceState> look = Task.Run(() => service.State, TestContext.Current.CancellationToken);

        Assert.Equal(ServiceState.NotConfigured, await look.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
        Assert.All(service.Opened, static backend => Assert.True(backend.IsDisposed));
    }

    [Fact]
    public async Task BackendThatIsAway_IsTriedAgain_UntilItIsThere()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        first.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
        FakeTimeProvider clock = new();
        using ServiceUnderTest again = new(_directory.FullPath, first.Places, clock: clock);
        await PassAsync(again, clock, 200);
        Assert.Equal(ServiceState.Error, again.State);
        Assert.Single(again.Log.Lines, static line => line.Text.Contains("not mounted", StringComparison.Ordinal));

        again.Place("/a").Fault = null;
        await PassAsync(again, clock, 60);

        Assert.Equal(ServiceState.Running, again.State);
        Assert.Equal(KmsError.None, (await again.WrapAsync()).Error);
        Assert.Contains("running again", again.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_EndsTheAttempts()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        first.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
        FakeTimeProvider clock = new();
        using ServiceUnderTest again = new(_directory.FullPath, first.Places, clock: clock);

        await again.StopAsync();
        again.Place("/a").Fault = null;
        await PassAsync(again, clock, 200);

        Assert.Equal(ServiceState.Configured, again.State);
        Assert.Empty(again.Opened);
    }

    [Fact]
    public async Task AttemptAtABackendThatDoesNotAnswer_GivesWayToAnOperator()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        first.Place("/a").Fault = new KmsException(KmsError.BackendUnavailable, "away");
        FakeTimeProvider clock = new();
        using ServiceUnderTest again = new(_directory.FullPath, first.Places, clock: clock);
        TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        again.Place("/a").Hangs = reached;
        clock.Advance(RetryLoop.FirstPause);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await again.StopAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(ServiceState.Configured, again.State);
        Assert.DoesNotContain(again.Log.Lines, static line => line.Text.Contains("failed unexpectedly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ReconfigureAfterAFailedRestore_HasToRun_OrChangesNothing()
    {
        ServiceUnderTest first = await RunAndEndAsync();
        first.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
        using ServiceUnderTest again = new(_directory.FullPath, first.Places);

        await Assert.ThrowsAsync<KmsException>(() => again.ReconfigureAsync("""{"cache_ttl_seconds":5}"""));
        Assert.Equal(ServiceState.Error, again.State);
        Assert.Equal(1, again.Look(static snapshot => snapshot.Generation));

        await again.ReconfigureAsync("""{"key_dir":"/b"}""");
        Assert.Equal(ServiceState.Running, again.State);
    }

    [Fact]
    public async Task DecryptOnlyBackendThatComesBack_IsOpenedWithoutACall()
    {
        FakeTimeProvider clock = new();
        using ServiceUnderTest service = new(_directory.FullPath, clock: clock);
        await service.RunAsync("/a");
        byte[] blob = (await service.WrapAsync()).Blob;
        await service.ReconfigureAsync("""{"key_dir":"/b","default_key_id":"other"}""");
        service.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
        await service.StartAsync(force: true);
        MemoryBackend active = service.Opened[^1];
        Assert.Equal(KmsError.BackendUnavailable, await service.OpenAsync(blob));

        service.Place("/a").Fault = null;
        await PassAsync(service, clock, 60);

        Assert.Equal(KmsError.None, await service.OpenAsync(blob));
        Assert.False(active.IsDisposed, "the active backend is not opened anew for it");
        Assert.Contains("decrypt-only backend local /a can be opened again", service.Log.Text, StringComparison.Ordinal);
    }

    /// <summary>Lets time pass, and whatever it set going end: changes wait for each other.</summary>
    private static async Task PassAsync(ServiceUnderTest service, FakeTimeProvider clock, int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Assert.ThrowsAsync<KmsException>(() => service.ConfigureAsync("{}"));
        }
    }

    /// <summary>The refusal, when that step is part of the change; steps are counted from the opening of the state directory.</summary>
    private async Task<KmsException?> ConfigureWithFaultAtAsync(int step, ServiceUnderTest first)
    {
        try
        {
            using ServiceUnderTest second = new(_directory.FullPath, first.Places, new FailingSteps(new SystemFileSteps(), step, Errno.NoSpace));
            await second.ConfigureAsync(ServiceUnderTest.Local("/b"));
            return null;
        }
        catch (KmsException refused)
        {
            return refused;
        }
    }

    private async Task<ServiceUnderTest> RunAndEndAsync()
    {
        ServiceUnderTest service = new(_directory.FullPath);
        await service.RunAsync("/a");
        service.Dispose();
        return service;
    }
}
