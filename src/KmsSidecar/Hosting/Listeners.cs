using KmsSidecar.Api;
using KmsSidecar.Audit;
using KmsSidecar.Auth;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using KmsSidecar.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KmsSidecar.Hosting;

/// <summary>The doors: which address is which surface, and who may come in.</summary>
/// <param name="tls">Null when no address is TLS.</param>
internal sealed class Listeners(DaemonOptions options, ConnectionLimits connections, TlsHandshakes? tls, RefusedCallers refused)
{
    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        Limit(kestrel.Limits);

        foreach (ListenAddress address in options.Listen)
        {
            kestrel.Listen(address.EndPoint, endpoint =>
            {
                if (address.IsTls)
                {
                    // HTTP/1.1 and HTTP/2, as the client asks, are what an endpoint speaks that is told nothing. Told so, Kestrel would warn that
                    // there is no TLS: it knows only of its own.
                    endpoint.Use(tls!.Wrap);
                }
                else
                {
                    endpoint.Protocols = HttpProtocols.Http1;
                }

                endpoint.Use(static next => connection =>
                {
                    connection.Features.Set(new ConnectionOrigin(Surface.Tcp, Who: null, Subject: null, IsAdmitted: true));
                    return next(connection);
                });
            });
        }

        ListenLocally(kestrel, options.Socket, Surface.DataSocket, MayUseDataSocket(options));
        if (options.AdminSocket is { } adminSocket)
        {
            IEnumerable<uint> admins = options.AdminGroup is { } adminGroup ? [adminGroup] : [];
            ListenLocally(kestrel, adminSocket, Surface.AdminSocket, new PeerAllowList([0, Posix.EffectiveUserId()], admins));
        }
    }

    public static PeerAllowList MayUseDataSocket(DaemonOptions options)
    {
        IEnumerable<uint> users = options.AllowUids.IsEmpty ? [0, Posix.EffectiveUserId()] : options.AllowUids;
        IEnumerable<uint> groups = options.SocketGroup is { } group ? [.. options.AllowGids, group] : options.AllowGids;
        return new PeerAllowList(users, groups);
    }

    private void Limit(KestrelServerLimits limits)
    {
        // Each route has its own, and Kestrel's would end the connection while the rest of a body is drained, before the 413 has been read.
        limits.MaxRequestBodySize = null;
        limits.MaxRequestLineSize = RequestTarget.MaxChars + 64;
        limits.MaxRequestHeadersTotalSize = 32 * 1024;
        limits.MaxRequestHeaderCount = 100;
        limits.RequestHeadersTimeout = connections.Head;
        limits.KeepAliveTimeout = connections.Idle;
        limits.MaxConcurrentConnections = connections.Connections;
        limits.Http2.MaxStreamsPerConnection = 100;
        limits.Http2.MaxRequestHeaderFieldSize = limits.MaxRequestHeadersTotalSize;
    }

    private void ListenLocally(KestrelServerOptions kestrel, string path, Surface surface, PeerAllowList allowed) =>
        kestrel.ListenUnixSocket(path, endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http1;
            endpoint.Use(next => connection =>
            {
                connection.Features.Set(Identify(connection, surface, allowed));
                return next(connection);
            });
        });

    private ConnectionOrigin Identify(ConnectionContext connection, Surface surface, PeerAllowList allowed)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket
            || !PeerCredentials.TryRead(socket, out PeerCredentials? peer))
        {
            return new ConnectionOrigin(surface, Who: null, AuditSubject.Unknown, IsAdmitted: false);
        }

        bool isAdmitted = allowed.Allows(peer);

        // The watchdog asks as this process, which need not be on the list.
        if (!isAdmitted && peer.ProcessId != Environment.ProcessId)
        {
            refused.Count(surface, peer);
        }

        return new ConnectionOrigin(surface, $"uid {peer.UserId}", surface.SubjectOf(peer), isAdmitted);
    }
}
