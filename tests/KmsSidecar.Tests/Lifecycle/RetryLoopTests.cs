using KmsSidecar.Lifecycle;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

public sealed class RetryLoopTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly CapturedLog _log = new();
    private readonly List<double> _attempts = [];

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task Pauses_DoubleUpToTheLongest()
    {
        await using RetryLoop loop = Make(static _ => Task.FromResult(false));

        loop.Begin();
        Pass(300);

        Assert.Equal([1, 3, 7, 15, 31, 63, 123, 183, 243], _attempts);
    }

    [Fact]
    public async Task Success_IsTheLastAttempt()
    {
        await using RetryLoop loop = Make(_ => Task.FromResult(_attempts.Count == 2));

        loop.Begin();
        Pass(300);

        Assert.Equal([1, 3], _attempts);
    }

    [Fact]
    public async Task AttemptThatThrows_IsLogged_AndFollowedByOthers()
    {
        await using RetryLoop loop = Make(_ => _attempts.Count == 1 ? throw new InvalidOperationException("odd") : Task.FromResult(true));

        loop.Begin();
        Pass(300);

        Assert.Equal([1, 3], _attempts);
        Assert.Contains(_log.Lines, static line => line.Level == LogLevel.Error && line.Text.Contains("odd", StringComparison.Ordinal));
    }

    [Fact]
    public async Task BeginningAnew_BeginsWithTheFirstPause_AndRunsOnce()
    {
        await using RetryLoop loop = Make(static _ => Task.FromResult(false));
        loop.Begin();
        Pass(20);

        loop.Begin();
        Pass(5);

        Assert.Equal([1, 3, 7, 15, 21, 23], _attempts);
    }

    [Fact]
    public async Task Dispose_CancelsTheAttemptUnderWay_AndWaitsForItsEnd()
    {
        bool ended = false;
        RetryLoop loop = Make(async cancellation =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, cancellation);
                return true;
            }
            finally
            {
                ended = true;
            }
        });
        loop.Begin();
        Pass(1);

        await loop.DisposeAsync();
        Pass(300);

        Assert.True(ended);
        Assert.Equal([1], _attempts);
        Assert.Empty(_log.Lines);
    }

    private RetryLoop Make(Func<CancellationToken, Task<bool>> attempt)
    {
        DateTimeOffset begin = _clock.GetUtcNow();
        return new RetryLoop(
            cancellation =>
            {
                _attempts.Add((_clock.GetUtcNow() - begin).TotalSeconds);
                return attempt(cancellation);
            },
            _clock,
            _log);
    }

    private void Pass(int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
