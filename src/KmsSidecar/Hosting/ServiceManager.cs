using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using KmsSidecar.Background;
using KmsSidecar.Observability;
using Microsoft.Extensions.Hosting.Systemd;

namespace KmsSidecar.Hosting;

/// <summary>What systemd is told about the process, sd_notify(3). Says nothing outside of it, and never fails.</summary>
/// <remarks>The framework's own notifier opens a socket for each message, so a process without descriptors to spare would be killed as dead, and a
/// reload in it would never be over.</remarks>
internal sealed class ServiceManager : ISystemdNotifier, IDisposable
{
    /// <summary>Systemd drops a message of more than 4096 bytes, and a character has three at most.</summary>
    private const int MaxStatusChars = 1_000;

    /// <summary>Longer is no watch, and more than a timer takes.</summary>
    private const long MaxWatchdogMicroseconds = 3_600_000_000;

    /// <summary>Of sun_path, unix(7), without its end.</summary>
    private const int MaxPathBytes = 107;

    private static readonly TimeSpan ExtendEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly UnixDomainSocketEndPoint? _address;
    private readonly Socket? _socket;
    private string? _status;
    private bool _isStopping;

    public ServiceManager()
        : this(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"))
    {
    }

    /// <param name="address">NOTIFY_SOCKET: a path, or an abstract name that begins with @.</param>
    public ServiceManager(string? address)
    {
        if (address is not ['/' or '@', _, ..] || Encoding.UTF8.GetByteCount(address) > MaxPathBytes)
        {
            return;
        }

        try
        {
            _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            _address = new UnixDomainSocketEndPoint(address[0] == '@' ? $"\0{address[1..]}" : address);
        }
        catch (SocketException)
        {
            // Nothing can be told.
        }
    }

    /// <summary>The process runs under a service manager that wants to be told.</summary>
    public bool IsEnabled => _address is not null;

    /// <summary>How often <see cref="Alive"/> has to be said; null when nobody waits for it.</summary>
    public static TimeSpan? WatchdogTime => ReadWatchdogTime(Environment.GetEnvironmentVariable);

    /// <param name="environment">Looks up a variable.</param>
    public static TimeSpan? ReadWatchdogTime(Func<string, string?> environment)
    {
        string? owner = environment("WATCHDOG_PID");
        bool isOurs = string.IsNullOrEmpty(owner) || owner == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isOurs && long.TryParse(environment("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(Math.Min(microseconds, MaxWatchdogMicroseconds))
            : null;
    }

    public void Notify(ServiceState state) => Send(state.ToString());

    public void Ready() => Notify(ServiceState.Ready);

    /// <summary>To be followed by <see cref="Ready"/>, whatever came of it.</summary>
    public void Reloading() => Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / 1000}"));

    /// <summary>Says nothing but this, the status and the time that it takes from then on.</summary>
    public void Stopping()
    {
        lock (_gate)
        {
            Notify(ServiceState.Stopping);
            _isStopping = true;
        }
    }

    public void Alive() => Send("WATCHDOG=1");

    /// <summary>What <c>systemctl status</c> shows. Only a change is sent.</summary>
    public void Say(string status)
    {
        lock (_gate)
        {
            string line = PrintableText.Of(status, MaxStatusChars);
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
        BackgroundLoop asking = new(cancellation => IsEnabled ? AskForTimeAsync(atMost, cancellation) : Task.CompletedTask);
        asking.Start();
        return asking;
    }

    public void Dispose() => _socket?.Dispose();

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
            if (_address is null || (_isStopping && !always))
            {
                return;
            }

            try
            {
                _socket!.SendTo(Encoding.UTF8.GetBytes(assignments), _address);
            }
            catch (SocketException)
            {
                // Nobody is there to be told.
            }
        }
    }
}
