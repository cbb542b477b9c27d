using System.Globalization;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using KmsSidecar.Tls;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Tls;

/// <summary>The certificate of <c>tls init</c> over its life, and what a crash leaves.</summary>
public sealed class RenewalTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SteeredClock _clock = new();
    private readonly CapturedLog _log = new();
    private readonly TlsFiles _files;

    public RenewalTests() => _files = OpenSsl.Init(_directory, _clock.GetUtcNow());

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task AThirdBeforeTheEnd_ItIsRenewedAndUsed()
    {
        await using CertificateKeeper keeper = Open();
        ServerCertificate first = keeper.Source.Current;
        string serial = await OpenSsl.SerialAsync(_files.Certificate);

        PassAndCheck(keeper, TimeSpan.FromDays(59));
        Assert.Equal(serial, await OpenSsl.SerialAsync(_files.Certificate));
        PassAndCheck(keeper, TimeSpan.FromDays(2));

        Assert.NotEqual(serial, await OpenSsl.SerialAsync(_files.Certificate));
        Assert.True(keeper.Source.Current.NotAfter > first.NotAfter.AddDays(59));
        await VerifyAsync();
        Assert.Contains("DNS:localhost, IP Address:127.0.0.1", await OpenSsl.RunAsync($"openssl x509 -in {_files.Certificate} -noout -ext subjectAltName"));
        Assert.Equal("600 644", (await OpenSsl.RunAsync($"echo $(stat -c %a {_files.Key} {_files.Certificate})")).Trim());
    }

    [Fact]
    public async Task RunningKeeper_LooksEveryHour()
    {
        await using CertificateKeeper keeper = Open();
        keeper.Start();
        ServerCertificate first = keeper.Source.Current;

        while (keeper.Source.Current == first)
        {
            _clock.Pass(CertificateKeeper.Interval);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Assert.True(first.NotAfter - _clock.GetUtcNow() < TimeSpan.FromDays(31));
        Assert.Contains("renewed the TLS certificate", _log.Text);
    }

    [Fact]
    public async Task AfterItsEnd_ItIsRenewedAtTheStart()
    {
        _clock.Pass(TimeSpan.FromDays(400));

        await using CertificateKeeper keeper = Open();

        Assert.Null(keeper.Source.Current.FindFault(_files.Certificate, _clock.GetUtcNow()));
        await VerifyAsync();
        Assert.DoesNotContain(_log.Lines, static line => line.Level > LogLevel.Information);
    }

    [Fact]
    public async Task CrashAtAnyStep_IsMendedByTheNextStart()
    {
        _clock.Pass(TimeSpan.FromDays(80));
        int steps = 0;
        for (int stop = 0; stop <= steps; stop++)
        {
            // Each round begins with a certificate that is due.
            OpenSsl.Init(_directory, _clock.GetUtcNow().AddDays(-80));
            StoppingSteps disk = new(new SystemFileSteps(), stop, StopPoint.After);
            if (stop < steps || steps == 0)
            {
                Assert.Throws<ProcessStoppedException>(() => new CertificateKeeper(_files, disk, _clock, _log));
            }

            await using CertificateKeeper keeper = Open();
            Assert.True(keeper.Source.Current.NotAfter > _clock.GetUtcNow().AddDays(89));
            Assert.True(await OpenSsl.IsPairAsync(_files));
            steps = CountSteps();
            Assert.Equal(
                ["ca-key.pem", "ca.pem", "server-key.pem", "server.pem"], Directory.GetFiles(_directory.FullPath).Select(Path.GetFileName).Order());
        }

        Assert.True(steps > 8);
    }

    [Fact]
    public async Task Failure_IsLoggedAndTriedAgain()
    {
        await using CertificateKeeper keeper = Open();
        File.Move(_directory.PathOf("ca-key.pem"), _directory.PathOf("away"));
        File.WriteAllText(_directory.PathOf("ca-key.pem"), "");
        File.SetUnixFileMode(_directory.PathOf("ca-key.pem"), UnixFileMode.UserRead);

        PassAndCheck(keeper, TimeSpan.FromDays(61));
        Assert.Contains(
            $"cannot renew the TLS certificate {_files.Certificate}, and try again in an hour: the private key {_directory.PathOf("ca-key.pem")} is not one private key",
            _log.Text);
        File.Move(_directory.PathOf("away"), _directory.PathOf("ca-key.pem"), overwrite: true);
        PassAndCheck(keeper, CertificateKeeper.Interval);

        Assert.True(keeper.Source.Current.NotAfter > _clock.GetUtcNow().AddDays(89));
    }

    [Fact]
    public async Task BeforeTheCaEnds_NothingOutlivesIt()
    {
        _clock.Pass(TimeSpan.FromDays(3640));
        await using CertificateKeeper keeper = Open();
        string serial = await OpenSsl.SerialAsync(_files.Certificate);

        // The authority has twelve days left; a certificate that ends with it cannot be bettered, and is warned of.
        Assert.True(keeper.Source.Current.NotAfter <= _clock.GetUtcNow().AddDays(13));
        PassAndCheck(keeper, TimeSpan.FromDays(10));

        Assert.Equal(serial, await OpenSsl.SerialAsync(_files.Certificate));
        Assert.Single(_log.Lines, static line => line.Level == LogLevel.Warning && line.Text.Contains("after which clients refuse it"));
    }

    [Fact]
    public async Task CertificateOfAnotherAuthority_IsLeftAlone()
    {
        TlsFiles foreign = await OpenSsl.SelfSignedAsync(_directory, "foreign", days: 1);
        string serial = await OpenSsl.SerialAsync(foreign.Certificate);
        _clock.SetAhead(DateTimeOffset.UtcNow.AddHours(23) - _clock.GetUtcNow());

        await using CertificateKeeper keeper = new(foreign, new SystemFileSteps(), _clock, _log);

        Assert.Equal(serial, await OpenSsl.SerialAsync(foreign.Certificate));
        Assert.Contains(_log.Lines, static line => line.Level == LogLevel.Warning && line.Text.Contains("after which clients refuse it"));
    }

    private CertificateKeeper Open() => new(_files, new SystemFileSteps(), _clock, _log);

    /// <summary>How many steps a renewal takes.</summary>
    private int CountSteps()
    {
        using TempDirectory directory = new();
        StoppingSteps disk = new(new SystemFileSteps(), StoppingSteps.Never, StopPoint.After);
        TlsFiles files = OpenSsl.Init(directory, _clock.GetUtcNow().AddDays(-80));
        Assert.True(OwnCertificate.RenewIfDue(files, disk, _clock.GetUtcNow(), static change => change()));
        return disk.Count;
    }

    private void PassAndCheck(CertificateKeeper keeper, TimeSpan time)
    {
        _clock.Pass(time);
        keeper.Check();
    }

    private async Task VerifyAsync()
    {
        string now = _clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        await OpenSsl.RunAsync($"openssl verify -attime {now} -purpose sslserver -CAfile {_directory.PathOf("ca.pem")} {_files.Certificate}");
        Assert.True(await OpenSsl.IsPairAsync(_files));
    }
}
