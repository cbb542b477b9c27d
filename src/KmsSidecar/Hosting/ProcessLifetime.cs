using System.Runtime.InteropServices;

namespace KmsSidecar.Hosting;

/// <summary>The signals that end the process, and what systemd (<c>Type=notify</c>) is told about it.</summary>
internal sealed class ProcessLifetime : IDisposable
{
    private readonly ServiceManager _manager;
    private readonly TaskCompletionSource _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _signals;

    public ProcessLifetime(ServiceManager manager)
    {
        _manager = manager;
        _signals =
        [
            .. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, End)),

            // Before there is anything to reload it would end the process: ReloadSignal listens later.
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, static signal => signal.Cancel = true),
        ];
    }

    /// <summary>Says that it is ready, and returns when the process is told to end.</summary>
    public async Task WaitAsync()
    {
        _manager.Ready();
        await _ending.Task;
        _manager.Stopping();
    }

    public void Dispose() => Array.ForEach(_signals, static signal => signal.Dispose());

    private void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _ending.TrySetResult();
    }
}
