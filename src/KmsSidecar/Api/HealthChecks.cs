using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>Looks at everything that a data key takes, and at what will be missing soon. May be asked every second: it makes no load.</summary>
/// <remarks>Thread-safe, once the checks of others have been added.</remarks>
internal sealed class HealthChecks(KmsService service, DataKeyProbe probe, TimeProvider clock)
{
    /// <summary>A token that ends so soon should have been renewed long ago.</summary>
    private const long FewSeconds = 600;

    private readonly Dictionary<string, Func<HealthFinding>> _others = [];
    private readonly Dictionary<string, HealthReport.Check> _last = [];

    /// <summary>One more, which makes the daemon not ready only where operations are refused for it. To be added before the first request.</summary>
    /// <param name="look">Called often, on any thread; waits for nothing.</param>
    public void Add(string name, Func<HealthFinding> look) => _others.Add(name, look);

    public async Task<HealthReport> RunAsync(CancellationToken cancellation)
    {
        using SnapshotLease lease = service.Acquire();
        Snapshot snapshot = lease.Snapshot;
        List<HealthReport.Check> checks = [];
        string? message = snapshot.IsRunning ? await RunAsync(snapshot, checks, cancellation) : $"not running: {snapshot.State}";
        checks.Insert(0, Note("service", snapshot.IsRunning ? HealthFinding.Ok : HealthFinding.Fault(snapshot.Error ?? message!)));
        KmsError error = message is null ? KmsError.None : snapshot.IsRunning ? KmsError.BackendUnavailable : KmsError.NotRunning;
        foreach ((string name, Func<HealthFinding> look) in _others)
        {
            HealthFinding finding = look();
            checks.Add(Note(name, finding));
            error = error == KmsError.None ? finding.Refusal : error;
        }

        return new HealthReport(error, message, checks);
    }

    /// <returns>Why no data key can be had; null when one can.</returns>
    private async Task<string?> RunAsync(Snapshot snapshot, List<HealthReport.Check> checks, CancellationToken cancellation)
    {
        IKeyBackend backend = snapshot.Backends[0].Backend!;
        string? sickness = await SicknessAsync(backend, cancellation);
        checks.Add(Note("backend", sickness is null ? HealthFinding.Ok : HealthFinding.Fault(sickness)));

        // A backend that is not well is not asked for more.
        string? fault = sickness ?? (await probe.FindFaultAsync(snapshot, cancellation))?.Message;
        checks.Add(Note("data_key", fault is null ? HealthFinding.Ok : HealthFinding.Fault($"with default key {DefaultKey.IdOf(snapshot)}: {fault}")));
        if (backend.Remote is { } remote)
        {
            checks.Add(Note("credentials", LookAt(remote)));
        }

        checks.Add(Note("keys", backend.Unreadable is { IsEmpty: false } unreadable
            ? HealthFinding.Warning($"{unreadable.Length} out of service, the first is {unreadable[0].Name}")
            : HealthFinding.Ok));
        checks.Add(Note("decrypt_only", LookAtFormer(snapshot)));
        return sickness is not null ? "the backend is not well"
            : fault is not null ? "no data key can be made and opened with the default key"
            : null;
    }

    private static async Task<string?> SicknessAsync(IKeyBackend backend, CancellationToken cancellation)
    {
        try
        {
            await backend.CheckHealthAsync(cancellation);
            return null;
        }
        catch (KmsException sick)
        {
            return sick.Message;
        }
    }

    private static HealthFinding LookAt(RemoteStatus remote) => remote switch
    {
        { Authenticated: false } => HealthFinding.Fault(remote.LastError ?? "there is no token that may be used"),
        { LastError: { } error } => HealthFinding.Warning(error),
        { SecondsLeft: < FewSeconds and var left, Renewable: false } => HealthFinding.Warning($"the token ends in {left} s and cannot be renewed"),
        _ => HealthFinding.Ok,
    };

    private static HealthFinding LookAtFormer(Snapshot snapshot)
    {
        foreach (DecryptOnlyEntry entry in snapshot.DecryptOnly)
        {
            if (snapshot.MountOf(entry)?.Fault is { } fault)
            {
                return HealthFinding.Warning($"{entry.Name} cannot be opened: {fault.Message}");
            }
        }

        return HealthFinding.Ok;
    }

    /// <summary>Remembers since when it is like this.</summary>
    private HealthReport.Check Note(string name, HealthFinding finding)
    {
        lock (_last)
        {
            DateTimeOffset since = _last.TryGetValue(name, out HealthReport.Check? last) && last.Finding.Level == finding.Level ? last.Since : clock.GetUtcNow();
            return _last[name] = new HealthReport.Check(name, finding, since);
        }
    }
}
