using KmsSidecar.Background;
using KmsSidecar.Observability;

namespace KmsSidecar.Hosting;

/// <summary>Tells systemd that the process is alive for as long as its request path answers, until it is disposed.</summary>
/// <remarks>Three looks fall into systemd's patience: one that fails is not the end yet.</remarks>
internal sealed partial class Watchdog : IAsyncDisposable
{
    private readonly RequestPath _path;
    private readonly ServiceManager _manager;
    private readonly TimeSpan _interval;
    private readonly ILogger _log;
    private readonly BackgroundLoop _loop;
    private bool _isHeldBack;

    private Watchdog(RequestPath path, ServiceManager manager, TimeSpan interval, ILogger log)
    {
        (_path, _manager, _interval, _log) = (path, manager, interval, log);
        _loop = new BackgroundLoop(RunAsync);
    }

    /// <param name="patience">Systemd's; null when it does not watch.</param>
    public static Watchdog Start(RequestPath path, ServiceManager manager, TimeSpan? patience, ILogger log)
    {
        Watchdog watchdog = new(path, manager, patience.GetValueOrDefault() / 3, log);
        if (patience is not null && manager.IsEnabled)
        {
            watchdog._loop.Start();
        }

        return watchdog;
    }

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task pause = Task.Delay(_interval, cancellation);
            Judge(await _path.FindFaultAsync(_interval, cancellation));
            await pause;
        }
    }

    private void Judge(string? fault)
    {
        if (fault is null)
        {
            _manager.Alive();
        }

        bool isHeldBack = fault is not null;
        if (isHeldBack && !_isHeldBack)
        {
            Log.HeldBack(_log, fault!);
        }
        else if (!isHeldBack && _isHeldBack)
        {
            Log.Recovered(_log);
        }

        _isHeldBack = isHeldBack;
    }

    private static partial class Log
    {
        [LoggerMessage(EventIds.WatchdogHeldBack, LogLevel.Critical, "{Fault}: systemd restarts this process unless that ends")]
        public static partial void HeldBack(ILogger log, string fault);

        [LoggerMessage(EventIds.WatchdogRecovered, LogLevel.Warning, "requests are answered again, and systemd is told so")]
        public static partial void Recovered(ILogger log);
    }
}
