using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using KmsSidecar.Api;
using KmsSidecar.Observability;
using KmsSidecar.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace KmsSidecar.Transport;

/// <summary>TLS on the connections of a listener.</summary>
/// <remarks>In the place of Kestrel's own, which takes its parts from a service container.</remarks>
internal sealed partial class TlsHandshakes(CertificateSource certificates, ConnectionLimits limits, TimeProvider clock, ILoggerFactory logs)
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::tls");

    public ConnectionDelegate Wrap(ConnectionDelegate next) => connection => RunAsync(connection, next);

    private async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        IDuplexPipe plain = connection.Transport;
        await using SslStream tls = new(new TransportStream(plain), leaveInnerStreamOpen: true);
        if (!await TryHandshakeAsync(connection, tls))
        {
            return;
        }

        TlsFeatures features = new(tls);
        connection.Features.Set<ITlsConnectionFeature>(features);
        connection.Features.Set<ITlsApplicationProtocolFeature>(features);
        connection.Features.Set<ITlsHandshakeFeature>(features);
        TlsPipe clear = new(tls, connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool, connection.Abort);
        connection.Transport = clear;
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = plain;
            await EndAsync(clear, tls);
        }
    }

    private async Task<bool> TryHandshakeAsync(ConnectionContext connection, SslStream tls)
    {
        using CancellationTokenSource late = new(limits.Handshake, clock);
        CancellationToken ending = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(late.Token, ending);
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificates.Current.Context,
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                    ApplicationProtocols = Protocols,
                },
                limit.Token);
            return true;
        }
        catch (Exception failed) when (IsOfTheConnection(failed) || failed is AuthenticationException or CryptographicException)
        {
            // Anybody can provoke it at will.
            Log.HandshakeFailed(_log, connection.RemoteEndPoint, late.IsCancellationRequested ? "it took too long" : failed.GetBaseException().Message);
            return false;
        }
    }

    /// <summary>Tells the client that nothing is missing at the end (close_notify), if it still listens.</summary>
    private async Task EndAsync(TlsPipe clear, SslStream tls)
    {
        try
        {
            await clear.CompleteAsync().WaitAsync(Farewell, clock);
            await tls.ShutdownAsync().WaitAsync(Farewell, clock);
        }
        catch (Exception gone) when (IsOfTheConnection(gone) || gone is TimeoutException or CryptographicException)
        {
            // It does not.
        }
    }

    private static bool IsOfTheConnection(Exception fault) => fault is IOException or OperationCanceledException or InvalidOperationException;

    private static partial class Log
    {
        [LoggerMessage(EventIds.HandshakeFailed, LogLevel.Debug, "TLS handshake with {Peer} failed: {Reason}")]
        public static partial void HandshakeFailed(ILogger log, System.Net.EndPoint? peer, string reason);
    }
}
