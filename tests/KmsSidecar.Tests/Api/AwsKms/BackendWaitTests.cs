using System.Collections.Concurrent;
using KmsSidecar.Api;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Api.AwsKms;

public sealed class BackendWaitTests : IDisposable
{
    private const string Configuration = """{"backend_type":"local","key_dir":"/a","default_key_id":"k"}""";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly ConcurrentQueue<KmsError> _outcomes = new();
    private ServiceUnderTest _service;
    private int _attempts;

    public BackendWaitTests() => _service = new ServiceUnderTest(_directory.PathOf("state"), clock: _clock);

    public void Dispose()
    {
        _service.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(nameof(KmsError.None))]
    [InlineData(nameof(KmsError.InvalidCiphertext))]
    [InlineData(nameof(KmsError.NotRunning))]
    [InlineData(nameof(KmsError.BackendRejected))]
    public async Task WhatWaitingDoesNotMend_IsAnsweredAtOnce(string error)
    {
        _outcomes.Enqueue(Enum.Parse<KmsError>(error));
        using Call call = new();

        Assert.Equal(error, (await Handler()(call)).ToString());
        Assert.Equal(1, _attempts);
    }

    [Theory]
    [InlineData(nameof(KmsError.BackendUnavailable))]
    [InlineData(nameof(KmsError.BackendTimeout))]
    public async Task BackendThatComesBack_IsWaitedFor(string error)
    {
        for (int i = 0; i < 5; i++)
        {
            _outcomes.Enqueue(Enum.Parse<KmsError>(error));
        }

        using Call call = new();
        Assert.Equal(KmsError.None, await PassAsync(Handler()(call), Patience));
        Assert.Equal(6, _attempts);
    }

    [Fact]
    public async Task BackendThatStaysAway_IsToldAfterThePatience()
    {
        using Call call = new();
        long started = _clock.GetTimestamp();

        Assert.Equal(KmsError.BackendUnavailable, await PassAsync(Handler(KmsError.BackendUnavailable)(call), 2 * Patience));
        Assert.InRange(_clock.GetElapsedTime(started), Patience, Patience + TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task CallerWhoseTimeIsUp_WaitsNoLonger()
    {
        using CancellationTokenSource end = new();
        using Call call = new() { Cancellation = end.Token };
        Task<KmsError> run = Handler(KmsError.BackendUnavailable)(call).AsTask();

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task ThoseBeyondTheBound_AreToldAtOnce()
    {
        RouteHandler handler = Handler(KmsError.BackendUnavailable);
        Call[] calls = [.. Enumerable.Range(0, BackendWait.MaxWaiting + 1).Select(static _ => new Call())];
        Task<KmsError>[] runs = [.. calls.Select(call => handler(call).AsTask())];

        Assert.All(runs[..^1], static run => Assert.False(run.IsCompleted));
        Assert.Equal(KmsError.BackendUnavailable, await runs[^1]);

        await PassAsync(LastOfAsync(runs), 2 * Patience, BackendWait.MaxWaiting);
        Assert.All(await Task.WhenAll(runs), static error => Assert.Equal(KmsError.BackendUnavailable, error));
        Array.ForEach(calls, static call => call.Dispose());

        // They have made room.
        using Call next = new();
        Task<KmsError> waits = handler(next).AsTask();
        Assert.False(waits.IsCompleted);
        await PassAsync(new ValueTask<KmsError>(waits), 2 * Patience);
    }

    /// <summary>A restart whose backend is not there yet is not a pause that an operator wants.</summary>
    [Fact]
    public async Task ServiceThatIsComingBack_IsWaitedFor_AndOneThatIsStoppedIsNot()
    {
        await _service.Service.ConfigureAsync(System.Text.Encoding.UTF8.GetBytes(Configuration), ServiceUnderTest.Operator, TestContext.Current.CancellationToken);
        await _service.Service.StartAsync(force: false, ServiceUnderTest.Operator, TestContext.Current.CancellationToken);
        ConcurrentDictionary<string, MemoryPlace> places = _service.Places;
        _service.Dispose();
        places["/a"].Fault = new KmsException(KmsError.BackendUnavailable);
        _service = new ServiceUnderTest(_directory.PathOf("state"), places, clock: _clock);
        RouteHandler handler = new BackendWait(_service.Service, _clock, Patience).Around(
            _ =>
            {
                Interlocked.Increment(ref _attempts);
                using SnapshotLease lease = _service.Service.Acquire();
                return new ValueTask<KmsError>(lease.Snapshot.IsRunning ? KmsError.None : KmsError.NotRunning);
            });

        using Call first = new();
        Assert.Equal(KmsError.BackendUnavailable, await PassAsync(handler(first), 2 * Patience));

        using Call second = new();
        Task<KmsError> waits = handler(second).AsTask();
        places["/a"].Fault = null;
        Assert.Equal(KmsError.None, await PassAsync(new ValueTask<KmsError>(waits), TimeSpan.FromMinutes(2)));

        await _service.Service.StopAsync(ServiceUnderTest.Operator);
        using Call third = new();
        Assert.Equal(KmsError.NotRunning, await handler(third));
    }

    private RouteHandler Handler(KmsError afterwards = KmsError.None) => new BackendWait(_service.Service, _clock, Patience).Around(
        _ =>
        {
            Interlocked.Increment(ref _attempts);
            return new ValueTask<KmsError>(_outcomes.TryDequeue(out KmsError error) ? error : afterwards);
        });

    /// <summary>Lets time pass until the calls have ended, or the limit is over: a step only when the one before has had its effect.</summary>
    private async Task<KmsError> PassAsync(ValueTask<KmsError> run, TimeSpan limit, int waiting = 1)
    {
        Task<KmsError> task = run.AsTask();
        for (TimeSpan passed = TimeSpan.Zero; passed < limit && !task.IsCompleted; passed += TimeSpan.FromMilliseconds(100))
        {
            int expected = Volatile.Read(ref _attempts) + waiting;
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            for (int looks = 0; looks < 100 && !task.IsCompleted && Volatile.Read(ref _attempts) < expected; looks++)
            {
                await Task.WhenAny(task, Task.Delay(1, TestContext.Current.CancellationToken));
            }
        }

        return await task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private static async ValueTask<KmsError> LastOfAsync(Task<KmsError>[] runs) => (await Task.WhenAll(runs))[^1];
}
