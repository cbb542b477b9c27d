using KmsSidecar.Keys;
using KmsSidecar.Operations;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Operations;

/// <summary>What the daemon destroys by itself, and what it leaves alone.</summary>
public sealed class KeySweeperTests : IAsyncDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromDays(7);

    private readonly TempDirectory _directory = new();
    private readonly SteeredClock _clock = new();
    private readonly ServiceUnderTest _service;
    private readonly KeySweeper _sweeper;

    public KeySweeperTests()
    {
        _service = new ServiceUnderTest(_directory.FullPath, clock: _clock);
        _sweeper = new KeySweeper(_service.Service, _clock, _service.Log);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MemoryPlace Place => _service.Place("/k");

    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync();
        _service.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task DueKey_IsDestroyed_WithALineBeforeAndAfter()
    {
        await RunWithPendingAsync("old");
        await _sweeper.SweepAsync(Cancellation);
        Assert.True(Holds("old"));

        _clock.Pass(Window);
        await _sweeper.SweepAsync(Cancellation);

        Assert.False(Holds("old"));
        Assert.True(Holds("master"));
        Assert.Equal(
            [
                "destroying key old, newest version 1, whose deletion was due 2026-01-08T00:00:00+00:00[UTC] ",
                "key old, newest version 1, is destroyed; its deletion was due 2026-01-08T00:00:00+00:00[UTC] ",
            ],
            LinesWith("destroy").Where(static line => !line.StartsWith("key old will")));
    }

    [Fact]
    public async Task KeyThatIsNotDue_OrWhoseDeletionIsCancelled_Stays()
    {
        await RunWithPendingAsync("early", "cancelled");
        await _service.Administration.ChangeAsync("cancelled", new KeyChange.CancelDeletion(), ServiceUnderTest.Operator, Cancellation);
        _clock.Pass(Window - TimeSpan.FromSeconds(1));
        await _sweeper.SweepAsync(Cancellation);
        Assert.True(Holds("early"));

        _clock.Pass(TimeSpan.FromSeconds(1));
        await _sweeper.SweepAsync(Cancellation);

        Assert.False(Holds("early"));
        Assert.True(Holds("cancelled"));
    }

    [Fact]
    public async Task DefaultKey_IsNeverDestroyed_AndLoggedOnce()
    {
        await RunWithPendingAsync("master", "old");
        _clock.Pass(Window);
        for (int pass = 0; pass < 3; pass++)
        {
            await _sweeper.SweepAsync(Cancellation);
        }

        Assert.True(Holds("master"));
        Assert.False(Holds("old"));
        Assert.Single(LinesWith("key master is due"));

        await _service.CreateKeyAsync("next");
        await _service.ReconfigureAsync("""{"default_key_id":"next"}""");
        await _sweeper.SweepAsync(Cancellation);
        Assert.False(Holds("master"));
    }

    [Fact]
    public async Task FailureOfOneKey_DoesNotStopTheOthers_AndIsTriedAgain()
    {
        await RunWithPendingAsync("a", "b", "c");
        Place.Indestructible.Add("b");
        _clock.Pass(Window);
        await _sweeper.SweepAsync(Cancellation);

        Assert.Equal((false, true, false), (Holds("a"), Holds("b"), Holds("c")));
        Assert.Equal(
            "key b, newest version 1, due 2026-01-08T00:00:00+00:00[UTC], is not destroyed and will be tried again: StorageFailed: the disk is read-only ",
            Assert.Single(LinesWith("not destroyed")));

        Place.Indestructible.Clear();
        await _sweeper.SweepAsync(Cancellation);
        Assert.False(Holds("b"));
    }

    [Fact]
    public async Task ManyKeys_GoInOnePass_EachOnce()
    {
        string[] many = [.. Enumerable.Range(0, 100).Select(static i => $"k{i:000}")];
        await RunWithPendingAsync(many);
        Place.Indestructible.Add("k050");
        _clock.Pass(Window);

        await _sweeper.SweepAsync(Cancellation);

        Assert.Equal(["k050", "master"], Place.Material.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(100, LinesWith("destroying key").Count());
    }

    [Fact]
    public async Task WallClockThatJumpsAhead_DestroysNothingUntilItHasBeenSteady()
    {
        await RunWithPendingAsync("old");
        _clock.SetAhead(TimeSpan.FromDays(365));
        await _sweeper.SweepAsync(Cancellation);

        Assert.True(Holds("old"));
        (LogLevel level, string text) = Assert.Single(_service.Log.Lines, static line => line.Text.StartsWith("the wall clock"));
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains("365.00:00:00", text);

        _clock.Pass(KeySweeper.Interval);
        _clock.SetAhead(TimeSpan.FromMinutes(16));
        await _sweeper.SweepAsync(Cancellation);
        Assert.True(Holds("old"));

        _clock.Pass(KeySweeper.Interval);
        await _sweeper.SweepAsync(Cancellation);
        Assert.False(Holds("old"));
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(6, false)]
    [InlineData(-365, false)]
    public async Task StartWithAClockFarAhead_DestroysNothingForADay(int daysSinceTheLastStart, bool waits)
    {
        await RunWithPendingAsync("old");
        _clock.Pass(Window);
        await using KeySweeper sweeper = new(
            _service.Service, _clock, _service.Log, _clock.GetUtcNow() - TimeSpan.FromDays(daysSinceTheLastStart));

        await sweeper.SweepAsync(Cancellation);
        Assert.Equal(waits, Holds("old"));
        _clock.Pass(KeySweeper.Probation - TimeSpan.FromSeconds(1));
        await sweeper.SweepAsync(Cancellation);
        Assert.Equal(waits, Holds("old"));
        Assert.Equal(waits ? 1 : 0, LinesWith("timedatectl").Count());

        _clock.Pass(TimeSpan.FromSeconds(1));
        await sweeper.SweepAsync(Cancellation);
        Assert.False(Holds("old"));
    }

    [Fact]
    public async Task StartWithAClockFarAhead_IsBelievedAfterADay_AndNotByAnotherStart()
    {
        DateTimeOffset believed = _clock.GetUtcNow();
        await RunWithPendingAsync("old");
        _clock.SetAhead(TimeSpan.FromDays(365));
        for (int start = 0; start < 2; start++)
        {
            await using KeySweeper early = new(_service.Service, _clock, _service.Log, believed, time => believed = time);
            await early.SweepAsync(Cancellation);
            Assert.True(Holds("old"));
        }

        await using KeySweeper sweeper = new(_service.Service, _clock, _service.Log, believed, time => believed = time);
        _clock.Pass(KeySweeper.Probation);
        await sweeper.SweepAsync(Cancellation);

        Assert.False(Holds("old"));
        Assert.Equal(_clock.GetUtcNow(), believed);
    }

    [Fact]
    public async Task ARunningDaemon_KeepsWhatTheClockSays_OnceADay()
    {
        await RunWithPendingAsync("old");
        List<DateTimeOffset> kept = [];
        await using KeySweeper sweeper = new(_service.Service, _clock, _service.Log, believe: kept.Add);

        await sweeper.SweepAsync(Cancellation);
        await sweeper.SweepAsync(Cancellation);
        Assert.Single(kept);

        _clock.Pass(TimeSpan.FromDays(1));
        await sweeper.SweepAsync(Cancellation);
        Assert.Equal(TimeSpan.FromDays(1), kept[1] - kept[0]);
    }

    [Fact]
    public async Task StartWithAClockFarAhead_ThatIsSetRight_DestroysNothing()
    {
        await RunWithPendingAsync("old");
        _clock.SetAhead(TimeSpan.FromDays(365));
        await using KeySweeper sweeper = new(_service.Service, _clock, _service.Log, _clock.GetUtcNow() - TimeSpan.FromDays(365));
        await sweeper.SweepAsync(Cancellation);
        _clock.SetAhead(-TimeSpan.FromDays(365));

        _clock.Pass(KeySweeper.Probation);
        await sweeper.SweepAsync(Cancellation);

        Assert.True(Holds("old"));
    }

    [Fact]
    public async Task WallClockThatGoesBack_DestroysNothingEarly()
    {
        await RunWithPendingAsync("old");
        _clock.Pass(Window);
        _clock.SetAhead(-TimeSpan.FromDays(2));
        await _sweeper.SweepAsync(Cancellation);
        Assert.True(Holds("old"));

        _clock.Pass(TimeSpan.FromDays(2));
        await _sweeper.SweepAsync(Cancellation);
        Assert.False(Holds("old"));
    }

    [Fact]
    public async Task Started_SweepsByItself_OnceAMinute_AndWhenTheServiceRuns()
    {
        _sweeper.Start();
        _clock.Pass(KeySweeper.FirstPause);
        await RunWithPendingAsync("old");
        _clock.Pass(Window);
        await UntilAsync(() => !Holds("old"));

        await ScheduleAsync("master");
        await _sweeper.DisposeAsync();
        _clock.Pass(Window);
        Assert.Empty(LinesWith("key master is due"));
    }

    private async Task RunWithPendingAsync(params string[] ids)
    {
        await _service.RunAsync("/k");
        foreach (string id in ids)
        {
            if (!Holds(id))
            {
                await _service.CreateKeyAsync(id);
            }

            await ScheduleAsync(id);
        }
    }

    private Task<KeyDescription> ScheduleAsync(string id) => _service.Administration.ScheduleDeletionAsync(id, Window.Days, ServiceUnderTest.Operator, Cancellation);

    /// <summary>Waits for what another thread does, letting minutes pass meanwhile; the test's own time limit ends it.</summary>
    private async Task UntilAsync(Func<bool> done)
    {
        while (!done())
        {
            await Task.Delay(5, Cancellation);
            _clock.Pass(KeySweeper.Interval);
        }
    }

    private bool Holds(string id) => Place.Material.ContainsKey(id);

    private IEnumerable<string> LinesWith(string text) => _service.Log.Lines.Select(static line => line.Text).Where(line => line.Contains(text));
}
