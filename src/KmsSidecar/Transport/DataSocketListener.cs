using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using KmsSidecar.Api;
using KmsSidecar.Auth;
using KmsSidecar.Lifecycle;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KmsSidecar.Transport;

/// <summary>Accepts on the data socket, deals the connections out to the loops, and has Kestrel accept those that the loops give up.</summary>
internal sealed class DataSocketListener : IConnectionListener
{
    private static readonly TimeSpan RetryAccept = TimeSpan.FromMilliseconds(100);

    /// <summary>What Kestrel serves ends as soon as all listeners are unbound, and a connection that is busy should hear of it with an answer.</summary>
    private static readonly TimeSpan NextRequest = TimeSpan.FromMilliseconds(50);

    private readonly Socket _socket;
    private readonly PeerAllowList _allowed;
    private readonly ConnectionLimits _limits;
    private readonly ConnectionLoop[] _loops;
    private readonly SocketConnectionContextFactory _contexts;
    private readonly Channel<ConnectionContext> _left = Channel.CreateUnbounded<ConnectionContext>();
    private readonly UnheardConnections _unheard = new();
    private readonly CancellationTokenSource _unbound = new();
    private readonly Task _accepting;

    /// <param name="socket">Listening; becomes this object's own.</param>
    public DataSocketListener(
        EndPoint endpoint, Socket socket, LocalRequests requests, PeerAllowList allowed, ConnectionLimits limits, TimeProvider clock, ILoggerFactory logs)
    {
        (EndPoint, _socket, _allowed, _limits) = (endpoint, socket, allowed, limits);
        ILogger log = logs.CreateLogger("rustfs::kms::api");
        _contexts = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport"));
        _loops =
        [
            .. Enumerable.Range(0, Environment.ProcessorCount)
                .Select(_ => new ConnectionLoop(new PlainExchange(requests, clock), HandOver, limits.Idle, log)),
        ];
        foreach ((int index, ConnectionLoop loop) in _loops.Index())
        {
            loop.Start($"data socket {index}");
        }

        _accepting = AcceptAllAsync();
    }

    public EndPoint EndPoint { get; }

    /// <summary>For how long the slowest of its loops has not gone round.</summary>
    public TimeSpan LongestTurn => TimeSpan.FromMilliseconds(Environment.TickCount64 - _loops.Min(static loop => loop.TurnedAt));

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _left.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_left.Reader.TryRead(out ConnectionContext? connection))
            {
                return connection;
            }
        }

        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (_unbound.IsCancellationRequested)
        {
            return;
        }

        Task waited = Task.Delay(NextRequest, cancellationToken);
        await _unbound.CancelAsync();
        await _accepting;
        _socket.Dispose();
        await Task.WhenAll(_loops.Select(static loop => loop.StopAsync()));
        await waited.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _left.Writer.TryComplete();
        await _unheard.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        foreach (ConnectionLoop loop in _loops)
        {
            loop.Dispose();
        }

        _contexts.Dispose();
        _unbound.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        for (int next = 0; !_unbound.IsCancellationRequested; next = (next + 1) % _loops.Length)
        {
            try
            {
                Admit(await _socket.AcceptAsync(_unbound.Token), _loops[next]);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Out of descriptors, or the caller is gone already.
                await Task.Delay(RetryAccept, CancellationToken.None);
            }
        }
    }

    private void Admit(Socket socket, ConnectionLoop loop)
    {
        if (_loops.Sum(static loop => loop.Count) >= _limits.Connections)
        {
            socket.Dispose();
        }
        else if (PeerCredentials.TryRead(socket, out PeerCredentials? peer) && _allowed.Allows(peer))
        {
            loop.Add(new DataConnection(socket, Actor.OnDataSocket(peer.UserId), Surface.DataSocket.SubjectOf(peer)));
        }
        else
        {
            Give(_contexts.Create(socket));
        }
    }

    private void HandOver(DataConnection connection)
    {
        ConnectionContext context = _contexts.Create(connection.Socket);
        context.Transport = new PrefixedTransport(context.Transport, connection.Unread);
        connection.Dispose();
        Give(context);
    }

    private void Give(ConnectionContext connection)
    {
        _unheard.Add(connection);
        if (!_left.Writer.TryWrite(connection))
        {
            connection.Abort();
        }
    }
}
