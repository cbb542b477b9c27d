using System.Security.Cryptography;
using KmsSidecar.Background;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Tls;

/// <summary>Keeps the certificate in use valid: renews it when it is this program's own, and warns in time when it is not.</summary>
internal sealed class CertificateKeeper : IAsyncDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>The longest time before the end at which a certificate is warned of; those that live for days only have a quarter of their life.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(7);

    private readonly IFileSteps _steps;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly BackgroundLoop _loop;

    /// <summary>What has been warned of.</summary>
    private (ServerCertificate, bool HasEnded)? _warned;

    /// <summary>Renews a certificate that is due, then reads it.</summary>
    /// <exception cref="KmsException">The files cannot be used.</exception>
    public CertificateKeeper(TlsFiles files, IFileSteps steps, TimeProvider clock, ILoggerFactory logs)
    {
        _steps = steps;
        _clock = clock;
        _log = logs.CreateLogger("rustfs::kms::tls");
        _loop = new BackgroundLoop(RunAsync);
        TryRenew(files, static change => change());
        Source = new CertificateSource(files, clock, _log);
        Warn();
    }

    public CertificateSource Source { get; }

    /// <summary>It should have been renewed by now.</summary>
    public bool IsEnding
    {
        get
        {
            ServerCertificate current = Source.Current;
            TimeSpan quarter = (current.NotAfter - current.NotBefore) / 4;
            return current.NotAfter - _clock.GetUtcNow() < (quarter < Notice ? quarter : Notice);
        }
    }

    /// <summary>Why clients refuse the certificate in use, as one sentence; null while they do not.</summary>
    public string? FindFault() => Source.Current.FindFault(Source.Files.Certificate, _clock.GetUtcNow());

    /// <summary>Begins to look, once an hour, until disposed. To be called once.</summary>
    public void Start() => _loop.Start();

    /// <summary>One look. Not to be called beside a running keeper.</summary>
    public void Check()
    {
        TryRenew(Source.Files, Source.Change);
        Source.Retry();
        Warn();
    }

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private async Task RunAsync(CancellationToken end)
    {
        while (true)
        {
            await Task.Delay(Interval, _clock, end);
            Check();
        }
    }

    private void TryRenew(TlsFiles files, Action<Action> replace)
    {
        try
        {
            if (OwnCertificate.RenewIfDue(files, _steps, _clock.GetUtcNow(), replace))
            {
                TlsLog.Renewed(_log, files.Certificate);
            }
        }
        catch (Exception failed) when (failed is KmsException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            TlsLog.RenewalFailed(_log, files.Certificate, failed.Message);
        }
    }

    /// <summary>Once for each certificate that ends soon, and once more when it has ended.</summary>
    private void Warn()
    {
        ServerCertificate current = Source.Current;
        string? fault = FindFault();
        if ((fault is null && !IsEnding) || _warned == (current, fault is not null))
        {
            return;
        }

        _warned = (current, fault is not null);
        if (fault is not null)
        {
            TlsLog.Ended(_log, fault);
        }
        else
        {
            TlsLog.Ending(_log, Source.Files.Certificate, current.NotAfter.UtcDateTime);
        }
    }
}
