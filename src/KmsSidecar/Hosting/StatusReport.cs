using System.Globalization;
using KmsSidecar.Background;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Hosting;

/// <summary>Keeps the line that <c>systemctl status</c> shows as the service is, until it is disposed.</summary>
internal sealed class StatusReport : IAsyncDisposable
{
    /// <summary>How old a backend's own word may be: it has no event for it.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly KmsService _service;
    private readonly ServiceManager _manager;
    private readonly TimeProvider _clock;
    private readonly BackgroundLoop _loop;
    private DateTimeOffset? _unwellSince;

    private StatusReport(KmsService service, ServiceManager manager, TimeProvider clock)
    {
        (_service, _manager, _clock) = (service, manager, clock);
        _loop = new BackgroundLoop(RunAsync);
    }

    public static StatusReport Start(KmsService service, ServiceManager manager, TimeProvider clock)
    {
        StatusReport report = new(service, manager, clock);
        if (manager.IsEnabled)
        {
            report._loop.Start();
        }

        return report;
    }

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    /// <summary>One sentence for an operator, with what to do where something is to be done.</summary>
    /// <param name="unwellSince">Local time; since when <see cref="Illness"/> is not null.</param>
    public static string Describe(Snapshot snapshot, DateTimeOffset? unwellSince) => snapshot.State switch
    {
        ServiceState.NotConfigured =>
            "NotConfigured: next, POST a configuration to /rustfs/admin/v3/kms/configure, see /usr/share/doc/kms-sidecar",
        ServiceState.Configured =>
            $"Configured: {snapshot.Configuration!.Summary}; next, POST /rustfs/admin/v3/kms/start",
        ServiceState.Error => snapshot.IsMeantToRun
            ? $"Error: {snapshot.Error}; it is tried again"
            : $"Error: {snapshot.Error}; POST /rustfs/admin/v3/kms/start tries again",
        _ => DescribeRunning(snapshot, unwellSince),
    };

    /// <summary>Why a remote backend cannot do its work now; null when it can, as far as it knows.</summary>
    public static string? Illness(Snapshot snapshot) => Remote(snapshot) switch
    {
        { Authenticated: false } remote => $"has no token that may be used{(remote.LastError is { } why ? $" ({why})" : "")}",
        { Breaker: not "closed" } => "does not answer",
        _ => null,
    };

    private static string DescribeRunning(Snapshot snapshot, DateTimeOffset? unwellSince)
    {
        string backend = snapshot.Configuration!.Summary;
        int away = snapshot.Backends.Count(static mount => mount.Fault is not null);
        string more = away > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {away} decrypt-only backend(s) cannot be opened, it is tried again") : "";
        if (Illness(snapshot) is { } illness)
        {
            string since = unwellSince is { } time ? string.Create(CultureInfo.InvariantCulture, $" since {time:HH:mm:ss}") : "";
            return $"Running, but {backend} {illness}{since}{more}";
        }

        return $"Running: {backend}, {(DefaultKey.IdOf(snapshot) is { } key ? $"default key {key}" : "no default key")}{more}";
    }

    private static RemoteStatus? Remote(Snapshot snapshot) => snapshot.IsRunning ? snapshot.Backends[0].Backend!.Remote : null;

    private async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task change = _service.NextChange;
            bool isElsewhere;
            using (SnapshotLease lease = _service.Acquire())
            {
                isElsewhere = lease.Snapshot.IsElsewhere;
                _unwellSince = Illness(lease.Snapshot) is null ? null : _unwellSince ?? _clock.GetLocalNow();
                _manager.Say(Describe(lease.Snapshot, _unwellSince));
            }

            Task look = Task.Delay(isElsewhere ? LookEvery : Timeout.InfiniteTimeSpan, _clock, cancellation);
            await await Task.WhenAny(change, look);
        }
    }
}
