using System.Net;
using System.Net.Sockets;
using KmsSidecar.Api;
using KmsSidecar.Auth;
using Microsoft.AspNetCore.Connections;

namespace KmsSidecar.Transport;

/// <summary>Kestrel's transport: the data socket, whose plain requests it serves itself, giving Kestrel every connection that sends anything
/// else; and for all other endpoints the one that it is given, unless their sockets were handed over.</summary>
/// <param name="path">Of the data socket.</param>
/// <param name="bind">Binds it.</param>
/// <param name="handed">The socket of an endpoint that listens already; null to bind one.</param>
/// <param name="allowed">Other callers are given to Kestrel, which tells them that they are refused.</param>
internal sealed class DataSocketTransport(
    string path,
    Func<EndPoint, Socket> bind,
    Func<EndPoint, Socket?> handed,
    PeerAllowList allowed,
    LocalRequests requests,
    ConnectionLimits limits,
    IConnectionListenerFactory others,
    TimeProvider clock,
    ILoggerFactory logs) : IConnectionListenerFactory
{
    private Func<TimeSpan> _longestTurn = static () => TimeSpan.Zero;

    /// <inheritdoc cref="DataSocketListener.LongestTurn"/>
    public TimeSpan LongestTurn => _longestTurn();

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket? given = handed(endpoint);
        if (endpoint is not UnixDomainSocketEndPoint || endpoint.ToString() != path)
        {
            return given is null ? others.BindAsync(endpoint, cancellationToken) : new ValueTask<IConnectionListener>(new HandedListener(endpoint, given, logs));
        }

        DataSocketListener listener = new(endpoint, given ?? Listen(endpoint), requests, allowed, limits, clock, logs);
        _longestTurn = () => listener.LongestTurn;
        return new ValueTask<IConnectionListener>(listener);
    }

    private Socket Listen(EndPoint endpoint)
    {
        Socket socket = bind(endpoint);
        try
        {
            socket.Listen(limits.Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
