using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using KmsSidecar.Background;
using KmsSidecar.Observability;
using Microsoft.Extensions.Hosting.Systemd;

namespace KmsSidecar.Hosting;

/// <summary>What systemd is told about the process, sd_notify(3). Says nothing outside of it, and never fails.</summary>
internal sealed class ServiceManager
{
    private static readonly TimeSpan ExtendEvery = TimeSpan.FromSeconds(5);

    private readonly SystemdNotifier _notifier = new();
    private readonly Lock _gate = new();
    private string? _status;
    private bool _isStopping;

    /// <summary>The process runs under a service manager that wants to be told.</summary>
    public bool IsThere => _notifier.IsEnabled;

    /// <summary>How often <see cref="Alive"/> has to be said; null when nobody waits for it.</summary>
    public static TimeSpan? WatchdogTime => ReadWatchdogTime(Environment.GetEnvironmentVariable);

    /// <param name="environment">Looks up a variable.</param>
    public static TimeSpan? ReadWatchdogTime(Func<string, string?> environment)
    {
        string? owner = environment("WATCHDOG_PID");
        bool isOurs = string.IsNullOrEmpty(owner) || owner == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isOurs && long.TryParse(environment("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;
    }

    public void Ready() => Send("READY=1");

    /// <summary>To be followed by <see cref="Ready"/>, whatever came of it.</summary>
    public void Reloading() => Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / 1000}"));

    /// <summary>Says nothing but this, the status and the time that it takes from then on.</summary>
    public void Stopping()
    {
        lock (_gate)
        {
            Send("STOPPING=1");
            _isStopping = true;
        }
    }

    public void Alive() => Send("WATCHDOG=1");

    /// <summary>What <c>systemctl status</c> shows. Only a change is sent.</summary>
    public void Say(string status)
    {
        lock (_gate)
        {
            string line = PrintableText.Of(status);
            if (line != _status)
            {
                _status = line;
                Send($"STATUS={line}", always: true);
            }
        }
    }

    /// <summary>Keeps systemd from losing patience, until it is disposed or has taken as long as it may.</summary>
    /// <param name="atMost">From now on.</param>
    public BackgroundLoop AskForTime(TimeSpan atMost)
    {
        BackgroundLoop asking = new(cancellation => IsThere ? AskForTimeAsync(atMost, cancellation) : Task.CompletedTask);
        asking.Start();
        return asking;
    }

    private async Task AskForTimeAsync(TimeSpan atMost, CancellationToken cancellation)
    {
        for (TimeSpan left = atMost; left > TimeSpan.Zero; left -= ExtendEvery)
        {
            TimeSpan next = left < 3 * ExtendEvery ? left : 3 * ExtendEvery;
            Send(string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)next.TotalMicroseconds}\nWATCHDOG=1"), always: true);
            await Task.Delay(ExtendEvery, cancellation);
        }
    }

    private void Send(string assignments, bool always = false)
    {
        lock (_gate)
        {
            if (_isStopping && !always)
            {
                return;
            }

            try
            {
                _notifier.Notify(new ServiceState(assignments));
            }
            catch (SocketException)
            {
                // Nobody is there to be told.
            }
        }
    }
}
