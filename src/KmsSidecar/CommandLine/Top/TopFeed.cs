using System.Diagnostics;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Top;

/// <summary>Looks at the daemon again and again, and keeps what it has seen.</summary>
internal sealed class TopFeed(DaemonClient daemon, TimeSpan interval)
{
    private readonly RateHistory _history = new();
    private MetricsScrape _last = MetricsScrape.Empty;
    private long _lastTime;
    private string? _trouble;

    public TimeSpan Interval => interval;

    public TopView View { get; private set; } = new TopModel(MetricsScrape.Empty, MetricsScrape.Empty, 1).View();

    /// <exception cref="CommandFault">The daemon cannot be asked.</exception>
    public async Task LookAsync(CancellationToken cancellation)
    {
        DaemonAnswer answer = await daemon.AskAsync(HttpMethod.Get, "/metrics", default, cancellation);
        if (!answer.IsSuccess)
        {
            throw Refusal.Of(answer, daemon.Where);
        }

        MetricsScrape now = MetricsReader.Read(answer.Body.Span);
        long time = Stopwatch.GetTimestamp();
        bool isFirst = _last == MetricsScrape.Empty;
        View = new TopModel(_last, now, isFirst ? 1 : Stopwatch.GetElapsedTime(_lastTime, time).TotalSeconds).View();
        (_last, _lastTime, _trouble) = (now, time, null);
        if (!isFirst)
        {
            _history.Add(View);
        }
    }

    /// <summary>As <see cref="LookAsync"/>, where a daemon that is away is something to show.</summary>
    public async Task TryLookAsync(CancellationToken cancellation)
    {
        try
        {
            await LookAsync(cancellation);
        }
        catch (CommandFault away)
        {
            _trouble = away.Message;
        }
    }

    public string[] Draw(int columns, int rows) => new TopScreen(columns, rows).Draw(View, _history, daemon.Where, _trouble);
}
