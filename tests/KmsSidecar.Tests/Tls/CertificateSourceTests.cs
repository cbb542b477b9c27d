using KmsSidecar.Errors;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using KmsSidecar.Tls;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Tls;

/// <summary>Which files are taken, and what becomes of the certificate in use when they are not.</summary>
public sealed class CertificateSourceTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SteeredClock _clock = new();
    private readonly CapturedLog _log = new();

    public CertificateSourceTests() => _clock.SetAhead(DateTimeOffset.UtcNow - _clock.GetUtcNow());

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("rsa:2048")]
    [InlineData("ec -pkeyopt ec_paramgen_curve:P-384")]
    public async Task KeysOfOtherTools_AreTaken(string key)
    {
        TlsFiles files = await OpenSsl.SelfSignedAsync(_directory, "other", key);

        Assert.Null(ServerCertificate.Load(files).FindFault(files.Certificate, DateTimeOffset.UtcNow));
    }

    [Theory]
    [InlineData("ec -pkeyopt ec_paramgen_curve:P-256", "ec")]
    [InlineData("rsa:2048", "rsa -traditional")]
    public async Task KeysInTheirOlderForm_AreTaken(string key, string command)
    {
        TlsFiles files = await OpenSsl.SelfSignedAsync(_directory, "other", key);
        await OpenSsl.RunAsync($"openssl {command} -in {files.Key} -out {files.Key}.old && chmod 600 {files.Key}.old");

        ServerCertificate.Load(files with { Key = $"{files.Key}.old" });
    }

    [Theory]
    [InlineData("rm $C", "the certificate $C does not exist; make one with: kms-sidecar tls init")]
    [InlineData("rm $K", "the private key $K does not exist; make one with: kms-sidecar tls init")]
    [InlineData("echo x >$C", "$C is not a certificate in PEM")]
    [InlineData("head -c 300 $C >$C.x && mv $C.x $C", "$C is not a certificate in PEM")]
    [InlineData("echo x >$K", "the private key $K is not one private key in PEM of the certificate's kind (ECC)")]
    [InlineData("openssl pkey -in $K -aes256 -passout pass:x -out $K.x && mv $K.x $K", "the private key $K is encrypted; decrypt it with: openssl pkey -in $K")]
    [InlineData("chmod 644 $K", "the private key $K is open to others; run: chmod 600 $K")]
    [InlineData(
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $K",
        "the private key $K is not that of the first certificate in $C; give the key that the certificate was made for, and put the server's certificate first")]
    public async Task UnusableFiles_AreNamedWithTheMend_AndTheFormerStayInUse(string damage, string why)
    {
        TlsFiles files = await OpenSsl.SelfSignedAsync(_directory, "server");
        CertificateSource source = new(files, _clock, _log);
        ServerCertificate former = source.Current;

        await OpenSsl.RunAsync($"C={files.Certificate} K={files.Key}\n{damage}");

        string expected = why.Replace("$C", files.Certificate).Replace("$K", files.Key);
        Assert.Equal(expected, Assert.Throws<KmsException>(() => ServerCertificate.Load(files)).Message);
        for (int i = 0; i < 3; i++)
        {
            _clock.Pass(TimeSpan.FromSeconds(1));
            File.SetLastWriteTimeUtc(_directory.FullPath, DateTime.UtcNow);
            Assert.Same(former, source.Current);
        }

        (LogLevel level, string text) = Assert.Single(_log.Lines, static line => line.Level != LogLevel.Information);
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains(expected, text);
    }

    [Fact]
    public async Task PairThatHasEnded_IsNotTaken()
    {
        TlsFiles files = OpenSsl.Init(_directory, DateTimeOffset.UtcNow);
        CertificateSource source = new(files, _clock, _log);
        ServerCertificate former = source.Current;

        await OpenSsl.IssueAsync(_directory, files, "-1 minute");
        source.Reread();

        Assert.Same(former, source.Current);
        Assert.Contains($"the certificate {files.Certificate} ended at ", _log.Text);
    }

    [Fact]
    public async Task PairOfTomorrow_IsTakenTomorrow()
    {
        TlsFiles files = await OpenSsl.SelfSignedAsync(_directory, "server");
        CertificateSource source = new(files, _clock, _log);
        ServerCertificate former = source.Current;
        _clock.SetAhead(TimeSpan.FromDays(-2));
        await OpenSsl.SelfSignedAsync(_directory, "server");

        _clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Same(former, source.Current);
        _clock.Pass(TimeSpan.FromDays(2));
        source.Retry();

        Assert.NotSame(former, source.Current);
    }

    [Fact]
    public async Task ChangedFiles_AreTakenASecondLater()
    {
        TlsFiles files = await OpenSsl.SelfSignedAsync(_directory, "server");
        CertificateSource source = new(files, _clock, _log);
        ServerCertificate former = source.Current;

        await OpenSsl.SelfSignedAsync(_directory, "server");
        Assert.Same(former, source.Current);
        _clock.Pass(TimeSpan.FromSeconds(1));

        Assert.NotSame(former, source.Current);
        Assert.Equal(2, _log.Lines.Count(static line => line.Text.Contains("is in use, valid until 20")));
    }

    [Fact]
    public async Task HalfOfAChange_ChangesNothing()
    {
        TlsFiles files = await OpenSsl.SelfSignedAsync(_directory, "server");
        TlsFiles next = await OpenSsl.SelfSignedAsync(_directory, "next");
        CertificateSource source = new(files, _clock, _log);
        ServerCertificate former = source.Current;

        File.Move(next.Certificate, files.Certificate, overwrite: true);
        _clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Same(former, source.Current);
        File.Move(next.Key, files.Key, overwrite: true);
        _clock.Pass(TimeSpan.FromSeconds(1));

        Assert.NotSame(former, source.Current);
    }
}
