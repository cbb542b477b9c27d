using KmsSidecar.Errors;
using KmsSidecar.Observability;
using KmsSidecar.Storage;

namespace KmsSidecar.Tls;

/// <summary>The certificate in use. Looks at its files again when handshakes come, once a second at most, and takes what has changed there.</summary>
/// <remarks>Thread-safe. Files that cannot be used, such as those that are half written, change nothing: the former certificate stays in use.</remarks>
internal sealed class CertificateSource
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private volatile ServerCertificate _current;

    /// <summary>Of the files that were last tried, whether they could be used or not. Taken before they are read.</summary>
    private (FileStamp?, FileStamp?) _tried;
    private string? _fault;
    private long _looked;

    /// <summary>Reads the files. A certificate that has ended is used all the same, when there is no better one: its clients see why.</summary>
    /// <exception cref="KmsException">They cannot be used.</exception>
    public CertificateSource(TlsFiles files, TimeProvider clock, ILogger log)
    {
        Files = files;
        _clock = clock;
        _log = log;
        _looked = clock.GetTimestamp();
        _tried = Stamps();
        _current = ServerCertificate.Load(files);
        TlsLog.InUse(log, files.Certificate, _current.NotAfter.UtcDateTime);
    }

    public TlsFiles Files { get; }

    /// <param name="source">Null where there is no TLS, and nothing to tell.</param>
    public static void AddTo(Metrics metrics, CertificateSource? source) => metrics.Add(
        "kms_sidecar_tls_certificate_not_after_timestamp_seconds",
        MetricType.Gauge,
        "When the TLS certificate in use ends, in seconds since 1970.",
        text => text.AddIfKnown(source?.Current.NotAfter.ToUnixTimeSeconds()));

    public ServerCertificate Current
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

    /// <summary>Reads the files again, changed or not.</summary>
    public void Reread()
    {
        lock (_gate)
        {
            _fault = null;
            Take(Stamps());
        }
    }

    /// <summary>Tries files that could not be taken once more: a certificate may have become valid since.</summary>
    public void Retry()
    {
        lock (_gate)
        {
            if (_fault is not null)
            {
                Take(Stamps());
            }
        }
    }

    /// <summary>Runs a change of the files that nobody is to see half done, then takes what is there.</summary>
    public void Change(Action change)
    {
        lock (_gate)
        {
            change();
            Look();
        }
    }

    private void Look()
    {
        Volatile.Write(ref _looked, _clock.GetTimestamp());
        (FileStamp?, FileStamp?) stamps = Stamps();
        if (stamps != _tried)
        {
            Take(stamps);
        }
    }

    private void Take((FileStamp?, FileStamp?) stamps)
    {
        _tried = stamps;
        try
        {
            ServerCertificate next = ServerCertificate.Load(Files);
            if (next.FindFault(Files.Certificate, _clock.GetUtcNow()) is { } fault)
            {
                LogOnce(fault);
                return;
            }

            _current = next;
            _fault = null;
            TlsLog.InUse(_log, Files.Certificate, next.NotAfter.UtcDateTime);
        }
        catch (KmsException unusable)
        {
            LogOnce(unusable.Message);
        }
    }

    /// <summary>While somebody writes a file, it is looked at more than once.</summary>
    private void LogOnce(string fault)
    {
        if (fault != _fault)
        {
            _fault = fault;
            TlsLog.NotTaken(_log, _current.NotAfter.UtcDateTime, fault);
        }
    }

    private (FileStamp?, FileStamp?) Stamps() => (FileStamp.Of(Files.Certificate), FileStamp.Of(Files.Key));
}
