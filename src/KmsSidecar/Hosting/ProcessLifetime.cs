using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting.Systemd;

namespace KmsSidecar.Hosting;

/// <summary>The signals that end the process, and what systemd (<c>Type=notify</c>) is told about it.</summary>
internal sealed class ProcessLifetime : IDisposable
{
    private readonly SystemdNotifier _manager = new();
    private readonly TaskCompletionSource _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _signals;

    public ProcessLifetime()
    {
        _signals = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, End))];
    }

    public void TellReady() => _manager.Notify(ServiceState.Ready);

    /// <summary>Returns when the process is told to end.</summary>
    public async Task WaitAsync()
    {
        await _ending.Task;
        _manager.Notify(ServiceState.Stopping);
    }

    public void Dispose() => Array.ForEach(_signals, static signal => signal.Dispose());

    private void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _ending.TrySetResult();
    }
}
