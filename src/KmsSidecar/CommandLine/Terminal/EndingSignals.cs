using System.Runtime.InteropServices;

namespace KmsSidecar.CommandLine.Terminal;

/// <summary>The signals that end a process, as a cancellation: for a command that has something to say or to give back before it ends.</summary>
internal sealed class EndingSignals : IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];

    private readonly CancellationTokenSource _end;
    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="cancellation">Ends it, too.</param>
    public EndingSignals(CancellationToken cancellation)
    {
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _registrations = Array.ConvertAll(Signals, signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            End();
        }));
    }

    public CancellationToken Token => _end.Token;

    public void End() => _end.Cancel();

    /// <summary>From here on they end the process again.</summary>
    public void Dispose()
    {
        Array.ForEach(_registrations, static registration => registration.Dispose());
        _end.Dispose();
    }
}
