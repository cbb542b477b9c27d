using System.Net;
using System.Net.Sockets;
using KmsSidecar.Api;
using KmsSidecar.Auth;
using Microsoft.AspNetCore.Connections;

namespace KmsSidecar.Transport;

/// <summary>The transport that Kestrel has for the data socket: it serves plain requests itself, and gives Kestrel every connection that
/// sends anything else.</summary>
/// <param name="path">Of the socket.</param>
/// <param name="bind">Binds it.</param>
/// <param name="allowed">Others are given to Kestrel, which tells them that they are refused.</param>
internal sealed class DataSocketTransport(
    string path, Func<EndPoint, Socket> bind, PeerAllowList allowed, ConnectionLimits limits, TimeProvider clock)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>What answers; set before the host starts.</summary>
    public LocalRequests? Requests { get; set; }

    /// <inheritdoc cref="Requests"/>
    public ILoggerFactory? Logs { get; set; }

    public bool CanBind(EndPoint endpoint) => endpoint is UnixDomainSocketEndPoint && endpoint.ToString() == path;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket socket = bind(endpoint);
        try
        {
            socket.Listen(limits.Backlog);
            return new ValueTask<IConnectionListener>(new DataSocketListener(endpoint, socket, Requests!, allowed, limits, clock, Logs!));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
