using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Vault;

/// <summary>The connections to one server: kept alive, bounded, and made anew when the files of CA or client certificate have changed.</summary>
/// <remarks>Thread-safe. The files are looked at when a call is sent, once in <see cref="BetweenLooks"/> at most. Files that cannot be used, such as
/// those that are half written, change nothing.</remarks>
internal sealed class VaultHandler : IDisposable
{
    public static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan IdleLife = TimeSpan.FromSeconds(60);

    /// <summary>A connection then goes where the name leads by now.</summary>
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(5);

    private readonly VaultTls _tls;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private volatile HttpMessageInvoker _current;
    private (FileStamp?, FileStamp?, FileStamp?) _tried;
    private long _looked;

    /// <exception cref="KmsException">A file cannot be used.</exception>
    public VaultHandler(VaultTls tls, TimeProvider clock, ILogger log)
    {
        _tls = tls;
        _clock = clock;
        _log = log;
        _looked = clock.GetTimestamp();
        _tried = TlsFiles.StampsOf(tls);
        _current = Make();
    }

    public HttpMessageInvoker Current
    {
        get
        {
            if (_clock.GetElapsedTime(Volatile.Read(ref _looked)) >= BetweenLooks && _gate.TryEnter())
            {
                try
                {
                    Look();
                }
                finally
                {
                    _gate.Exit();
                }
            }

            return _current;
        }
    }

    public void Dispose() => _current.Dispose();

    private void Look()
    {
        Volatile.Write(ref _looked, _clock.GetTimestamp());
        (FileStamp?, FileStamp?, FileStamp?) stamps = TlsFiles.StampsOf(_tls);
        if (stamps == _tried)
        {
            return;
        }

        _tried = stamps;
        try
        {
            // The former one is left to its idle time: a call may be about to be sent with it.
            _current = Make();
            VaultLog.TlsFilesTaken(_log);
        }
        catch (KmsException unusable)
        {
            VaultLog.TlsFilesNotTaken(_log, unusable.Message);
        }
    }

    private HttpMessageInvoker Make() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        MaxConnectionsPerServer = VaultPolicy.MaxConcurrent,
        MaxResponseHeadersLength = 64,
        PooledConnectionIdleTimeout = IdleLife,
        PooledConnectionLifetime = ConnectionLife,
        SslOptions = TlsFiles.Read(_tls),
    });
}
