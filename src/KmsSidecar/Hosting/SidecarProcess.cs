using KmsSidecar.CommandLine;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>The process around a <see cref="SidecarHost"/>: its limits and signals, what systemd is told, and its exit code.</summary>
internal static class SidecarProcess
{
    /// <summary>A start waits for Vault, and derives keys; what it does not get ready in this time it does not get ready.</summary>
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(5);

    /// <summary>More than <see cref="SidecarHost.StopAsync"/> takes.</summary>
    private static readonly TimeSpan LongestStop = TimeSpan.FromMinutes(1);

    /// <summary>Runs the daemon until it is told to end.</summary>
    /// <param name="source">Of the options.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(DaemonOptions given, SettingsSource source)
    {
        using ServiceManager manager = new();
        try
        {
            manager.Say("Starting");
            ClockGuard.Require(TimeProvider.System.GetUtcNow());
            OpenFileLimit.Raise();
            IReadOnlyList<string> unprotected = MemoryProtection.Apply();
            AeadEngine.Current = given.FrameworkCiphers ? AeadEngine.Framework : AeadEngine.Current;
            using ProcessLifetime lifetime = new(manager);
            using DevelopmentSandbox? sandbox = given.Development ? new DevelopmentSandbox(given) : null;
            DaemonOptions options = sandbox?.Options ?? given;
            await using SidecarHost host = new(options, TimeProvider.System, handed: HandedSockets.Take(options));
            Tell(host, unprotected);

            await using (manager.AskForTime(LongestStart))
            {
                await host.StartAsync(sandbox?.Configuration);
            }

            sandbox?.Introduce(Console.Out, host.Addresses);
            using (new ReloadSignal(host, manager, source))
            {
                await using (StatusReport.Start(host.Service, manager, TimeProvider.System))
                await using (StartWatchdog(host, manager))
                {
                    await lifetime.WaitAsync();
                }

                manager.Say("Stopping: what has been asked is answered first");
                await using (manager.AskForTime(LongestStop))
                {
                    await host.StopAsync();
                }
            }

            return ExitCode.Ok;
        }
        catch (KmsException fault)
        {
            return Failure.Report(fault);
        }
        catch (ListenException refused)
        {
            return Failure.Report(refused.Message, ExitCode.Of(refused.Cause, ExitCode.Address));
        }
    }

    private static Watchdog StartWatchdog(SidecarHost host, ServiceManager manager) =>
        Watchdog.Start(new RequestPath(host.Options, () => host.LongestTurn), manager, ServiceManager.WatchdogTime, host.Log);

    private static void Tell(SidecarHost host, IReadOnlyList<string> unprotected)
    {
        foreach (string fault in unprotected)
        {
            if (host.Options.Development)
            {
                HostingLog.MemoryNotProtectedInDevelopment(host.Log, fault);
            }
            else
            {
                HostingLog.MemoryNotProtected(host.Log, fault);
            }
        }
    }
}
