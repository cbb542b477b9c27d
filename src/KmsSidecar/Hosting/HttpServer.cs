using KmsSidecar.Api;
using KmsSidecar.Options;
using KmsSidecar.Tls;
using KmsSidecar.Transport;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using static Microsoft.Extensions.Options.Options;

namespace KmsSidecar.Hosting;

/// <summary>Kestrel with one handler, and nothing around it.</summary>
/// <remarks>No generic host: it finds its services by reflection, which took half of a start, and asks the working directory and ASPNETCORE_
/// variables for settings. What configures this process is its options alone.</remarks>
internal sealed class HttpServer : IDisposable
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(30);

    private readonly DaemonOptions _options;
    private readonly DataSocketTransport _transport;
    private readonly KestrelServer _kestrel;
    private volatile bool _isStopping;

    /// <param name="certificates">Null when no address is TLS.</param>
    public HttpServer(
        DaemonOptions options,
        HandedSockets handed,
        ConnectionLimits limits,
        LocalRequests requests,
        CertificateSource? certificates,
        RefusedCallers refused,
        TimeProvider clock,
        ILoggerFactory logs)
    {
        _options = options;
        _transport = Transport(options, handed, limits, requests, clock, logs);
        _kestrel = new KestrelServer(Create(Configure(options, limits, certificates, refused, clock, logs)), _transport, logs);
    }

    /// <summary>Where it listens, as URLs: first the addresses of the options in their order. Kestrel, which does not know of TLS, says http.</summary>
    public IEnumerable<string> Addresses => _kestrel.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(
        (address, i) => i < _options.Listen.Length && _options.Listen[i].IsTls ? $"https{address["http".Length..]}" : address);

    /// <inheritdoc cref="DataSocketTransport.LongestTurn"/>
    public TimeSpan LongestTurn => _transport.LongestTurn;

    /// <exception cref="ListenException">An address or a socket cannot be had.</exception>
    public async Task StartAsync(RequestDelegate handler)
    {
        try
        {
            await _kestrel.StartAsync(new Handler(this, handler), CancellationToken.None);
        }
        catch (Exception refused) when (refused is IOException or System.Net.Sockets.SocketException or UnauthorizedAccessException)
        {
            throw new ListenException($"cannot listen: {refused.Message}", refused);
        }
    }

    /// <summary>Takes no more requests, and returns when those under way are answered, or have had half a minute.</summary>
    public async Task StopAsync()
    {
        _isStopping = true;
        using CancellationTokenSource patience = new(DrainTime);
        await _kestrel.StopAsync(patience.Token);
    }

    public void Dispose() => _kestrel.Dispose();

    private static KestrelServerOptions Configure(
        DaemonOptions options,
        ConnectionLimits limits,
        CertificateSource? certificates,
        RefusedCallers refused,
        TimeProvider clock,
        ILoggerFactory logs)
    {
        KestrelServerOptions kestrel = new();
        TlsHandshakes? tls = certificates is null ? null : new TlsHandshakes(certificates, limits, clock, logs);
        new Listeners(options, limits, tls, refused).Configure(kestrel);
        return kestrel;
    }

    private static DataSocketTransport Transport(
        DaemonOptions options, HandedSockets handed, ConnectionLimits limits, LocalRequests requests, TimeProvider clock, ILoggerFactory logs)
    {
        SocketTransportFactory others = new(
            Create(new SocketTransportOptions
            {
                CreateBoundListenSocket = endpoint => ListenSockets.Bind(endpoint, options),
                Backlog = limits.Backlog,
            }),
            logs);
        return new DataSocketTransport(
            options.Socket,
            endpoint => ListenSockets.Bind(endpoint, options),
            handed.Find,
            Listeners.MayUseDataSocket(options),
            requests,
            limits,
            others,
            clock,
            logs);
    }

    /// <summary>Keeps the context of a connection for its next request.</summary>
    private sealed class Handler(HttpServer server, RequestDelegate handle) : IHttpApplication<DefaultHttpContext>
    {
        public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures)
        {
            if (contextFeatures is not IHostContextContainer<DefaultHttpContext> connection)
            {
                return new DefaultHttpContext(contextFeatures);
            }

            if (connection.HostContext is { } context)
            {
                context.Initialize(contextFeatures);
                return context;
            }

            return connection.HostContext = new DefaultHttpContext(contextFeatures);
        }

        public Task ProcessRequestAsync(DefaultHttpContext context)
        {
            context.Features.Get<UnheardConnections.FirstRequest>()?.HasCome();

            // Told so, nobody sends another request into a connection that is about to end. HTTP/2 has its own way.
            if (server._isStopping && !HttpProtocol.IsHttp2(context.Request.Protocol))
            {
                context.Response.Headers.Connection = "close";
            }

            return handle(context);
        }

        public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
    }
}
