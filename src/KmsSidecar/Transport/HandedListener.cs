using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KmsSidecar.Transport;

/// <summary>Accepts on a socket that others hold too and that goes on without this process.</summary>
/// <remarks>Kestrel's own listener closes its socket while it waits in accept, and .NET may then disconnect the socket to end the wait: for
/// everybody who holds it. Here the wait has ended before the socket is closed, and closed is all that it is.</remarks>
/// <param name="socket">Listening; becomes this object's own.</param>
internal sealed class HandedListener(EndPoint endpoint, Socket socket, ILoggerFactory logs) : IConnectionListener
{
    private static readonly TimeSpan RetryAccept = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _unbound = new();
    private readonly TaskCompletionSource _lastAccepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly UnheardConnections _unheard = new();
    private readonly SocketConnectionContextFactory _contexts = new(
        new SocketConnectionFactoryOptions(), logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport"));

    public EndPoint EndPoint => endpoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                Socket accepted = await socket.AcceptAsync(_unbound.Token);
                if (accepted.AddressFamily != AddressFamily.Unix)
                {
                    accepted.NoDelay = true;
                }

                ConnectionContext connection = _contexts.Create(accepted);
                _unheard.Add(connection);
                return connection;
            }
            catch (OperationCanceledException)
            {
                _lastAccepted.TrySetResult();
                return null;
            }
            catch (SocketException)
            {
                // Out of descriptors, or the caller is gone already.
                await Task.Delay(RetryAccept, CancellationToken.None);
            }
        }
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();

        // A connection that was accepted at the same moment counts among the unheard before Kestrel asks for another and is given none.
        await _lastAccepted.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _unheard.WaitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _unbound.Cancel();
        socket.Dispose();
        _contexts.Dispose();
        _unbound.Dispose();
        return ValueTask.CompletedTask;
    }
}
