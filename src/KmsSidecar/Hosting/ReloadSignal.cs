using System.Runtime.InteropServices;
using KmsSidecar.Errors;
using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>Has the daemon read again, at SIGHUP, what it can change while it runs; until it is disposed.</summary>
internal sealed class ReloadSignal : IDisposable
{
    private readonly SidecarHost _host;
    private readonly ServiceManager _manager;
    private readonly SettingsSource _source;
    private readonly PosixSignalRegistration _signal;
    private readonly Lock _gate = new();
    private bool _isDisposed;

    public ReloadSignal(SidecarHost host, ServiceManager manager, SettingsSource source)
    {
        (_host, _manager, _source) = (host, manager, source);
        _signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Take);
    }

    /// <summary>Returns when a reload under way has ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
        }

        _signal.Dispose();
    }

    private void Take(PosixSignalContext signal)
    {
        signal.Cancel = true;
        lock (_gate)
        {
            if (!_isDisposed)
            {
                Reload();
            }
        }
    }

    private void Reload()
    {
        _manager.Reloading();
        try
        {
            DaemonOptions settings = _source.Reread(out IReadOnlyList<string> restart);
            _host.Reread(settings.LogLevel);
            if (restart.Count > 0)
            {
                HostingLog.RestartNeeded(_host.Log, string.Join(' ', restart));
            }
        }
        catch (KmsException fault)
        {
            HostingLog.ReloadFailed(_host.Log, fault.Message);
        }
        finally
        {
            _manager.Ready();
        }
    }
}
