using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Makes a daemon as a file has it: the service, then keys, then policies, then the users that they are attached to.</summary>
internal sealed class ApplyRun
{
    /// <summary>Beyond what two of them need that run at the same time.</summary>
    private const int MaxRounds = 5;

    private readonly ApplyReport _report;
    private readonly ItemSteps _items;
    private readonly ServiceStep _service;

    public ApplyRun(PatientDaemon daemon, ApplyReport report)
    {
        _report = report;
        _items = new ItemSteps(daemon, report);
        _service = new ServiceStep(daemon, _items, report);
    }

    /// <remarks>Each step begins with a look, so it can be run again after any failure, and goes on.</remarks>
    public async Task RunAsync(DesiredState desired, CancellationToken cancellation)
    {
        for (int round = 1; ; round++)
        {
            _report.Plan(NamesOf(desired));
            try
            {
                await RunOnceAsync(desired, cancellation);
                return;
            }
            catch (CommandFault refusal) when (refusal.IsConflict() && round < MaxRounds)
            {
                // Someone else was quicker: look again.
            }
        }
    }

    private static IEnumerable<string> NamesOf(DesiredState desired) =>
    [
        .. desired.Configuration is null ? Array.Empty<string>() : [ServiceStep.ConfigurationItem],
        .. desired.State is null ? Array.Empty<string>() : [ServiceStep.ServiceItem],
        .. desired.Keys.Select(ItemSteps.NameOf),
        .. desired.Policies.Select(ItemSteps.NameOf),
        .. desired.Users.Select(ItemSteps.NameOf),
    ];

    private async Task RunOnceAsync(DesiredState desired, CancellationToken cancellation)
    {
        await _service.RunAsync(desired, cancellation);
        if (_report.IsRehearsal && desired.State == DesiredState.Running && !await _service.IsRunningAsync(cancellation))
        {
            _report.Note($"keys ({desired.Keys.Length} in the file): what they need is known once the service runs");
        }
        else
        {
            foreach (DesiredKey key in desired.Keys)
            {
                _report.Begin(ItemSteps.NameOf(key));
                await _items.RunAsync(key, cancellation);
                _report.End();
            }
        }

        foreach (DesiredPolicy policy in desired.Policies)
        {
            _report.Begin(ItemSteps.NameOf(policy));
            await _items.RunAsync(policy, cancellation);
            _report.End();
        }

        foreach (DesiredUser user in desired.Users)
        {
            _report.Begin(ItemSteps.NameOf(user));
            await _items.RunAsync(user, cancellation);
            _report.End();
        }
    }
}
