using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Doubles;
using KmsSidecar.Errors;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>Whom the client shows its token to, and which setting mends it when it does not.</summary>
public sealed class VaultTlsTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly X509Certificate2 _authority = MakeAuthority();

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task CertificateOfTheGivenAuthority_IsAccepted()
    {
        using X509Certificate2 certificate = Issue("localhost");
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Certificate = certificate, Host = "localhost" });
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(new VaultSettings
        {
            Address = vault.Address,
            Auth = ClientUnderTest.TokenAuth(vault.RootToken),
            Tls = new VaultTls(Write("ca.pem", _authority.ExportCertificatePem())),
        });

        using VaultAnswer answer = await test.SendAsync("sys/mounts");

        Assert.Equal(VaultFault.None, answer.Fault);
    }

    public static TheoryData<string, int, string, string> Refused => new()
    {
        { "elsewhere.example", 1, "given", "is not for localhost; set the address to a name that is in it" },
        { "localhost", 1, "other", "from an authority that is not trusted; set ca_cert_path" },
        { "localhost", 1, "none", "from an authority that is not trusted; set ca_cert_path" },
        { "localhost", -1, "given", "has expired or is not valid yet" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task CertificateThatDoesNotHold_IsShownNoToken(string name, int hours, string authority, string says)
    {
        using X509Certificate2 certificate = Issue(name, hours);
        using X509Certificate2 other = MakeAuthority();
        string? bundle = authority switch
        {
            "given" => Write("ca.pem", _authority.ExportCertificatePem()),
            "other" => Write("other.pem", other.ExportCertificatePem()),
            _ => null,
        };
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"), certificate);

        KmsException failed = await Assert.ThrowsAsync<KmsException>(() => OpenAsync(server.Address, new VaultTls(bundle)));

        Assert.Equal(KmsError.BackendUnavailable, failed.Error);
        Assert.Contains(says, failed.Message);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task SkippedVerification_IsWarnedOf()
    {
        using X509Certificate2 certificate = Issue("elsewhere.example");
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"), certificate);
        await using ClientUnderTest test = await OpenAsync(server.Address, new VaultTls(SkipVerify: true));

        Assert.Contains("skip_verify is set: anybody can pose as Vault", test.Log.Text);
    }

    [Fact]
    public async Task ClientCertificate_IsShown()
    {
        using X509Certificate2 certificate = Issue("localhost");
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"), certificate, asksForCertificate: true);
        string bundle = Write("ca.pem", _authority.ExportCertificatePem());
        (string clientCertificate, string clientKey) = WriteClient();

        await using (await OpenAsync(server.Address, new VaultTls(bundle, clientCertificate, clientKey)))
        {
        }

        KmsException failed = await Assert.ThrowsAsync<KmsException>(() => OpenAsync(server.Address, new VaultTls(bundle)));
        Assert.Contains("set client_cert_path and client_key_path", failed.Message);
    }

    [Fact]
    public async Task FilesThatCannotBeUsed_OpenNothing()
    {
        Uri address = new("https://localhost:1");
        (string certificate, string key) = WriteClient();
        string open = Write("open.pem", File.ReadAllText(key), UnixFileMode.UserRead | UnixFileMode.OtherRead);

        async Task AssertRefusedAsync(VaultTls tls, string says)
        {
            KmsException refused = await Assert.ThrowsAsync<KmsException>(() => OpenAsync(address, tls));
            Assert.Contains(says, refused.Message);
        }

        await AssertRefusedAsync(new VaultTls("/absent.pem"), "ca_cert_path /absent.pem does not exist");
        await AssertRefusedAsync(new VaultTls(Write("empty.pem", "nothing")), "there is no certificate in PEM in it");
        await AssertRefusedAsync(new VaultTls(null, certificate, certificate), "client_key_path");
        await AssertRefusedAsync(new VaultTls(null, certificate, open), "is open to others; run: chmod 600");
    }

    [Fact]
    public async Task PlainHttpBehindHttps_NamesTheMend()
    {
        await using VaultDouble vault = await VaultDouble.StartAsync();

        KmsException failed = await Assert.ThrowsAsync<KmsException>(() => OpenAsync(new Uri($"https://127.0.0.1:{vault.Port}"), new VaultTls()));

        Assert.Contains("where it has no TLS, http:// in the address", failed.Message);
    }

    [Fact]
    public async Task ChangedAuthority_IsTaken_AndAHalfWrittenOneIsNot()
    {
        using X509Certificate2 next = MakeAuthority();
        using X509Certificate2 certificate = Issue("localhost");
        using X509Certificate2 nextCertificate = Issue("localhost", authority: next);
        string bundle = Write("ca.pem", _authority.ExportCertificatePem());
        ScriptedServer former = new(static _ => ScriptedServer.Reply(200, "{}"), certificate);
        await using ClientUnderTest test = await OpenAsync(former.Address, new VaultTls(bundle));
        await former.DisposeAsync();
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"), nextCertificate, port: former.Port);

        Write("ca.pem", "half");
        test.Clock.Advance(VaultHandler.BetweenLooks);
        using (VaultAnswer broken = await test.SendPassingTimeAsync())
        {
            Assert.Contains("set ca_cert_path", broken.Sentence);
            Assert.Contains("the former ones stay in use", test.Log.Text);
        }

        Write("ca.pem", next.ExportCertificatePem());
        test.Clock.Advance(TimeSpan.FromMinutes(1));
        using VaultAnswer answer = await test.SendPassingTimeAsync();

        Assert.Equal("", answer.Sentence);
    }

    private static Task<ClientUnderTest> OpenAsync(Uri address, VaultTls tls) =>
        ClientUnderTest.OpenAsync(new VaultSettings { Address = address, Auth = ClientUnderTest.TokenAuth(), Tls = tls, Attempts = 1 });

    private static X509Certificate2 MakeAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=Vault test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <param name="hours">From now to its end; it began two hours ago.</param>
    private X509Certificate2 Issue(string host, int hours = 1, X509Certificate2? authority = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=vault", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 bare = request.Create(
            authority ?? _authority, DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddHours(hours), RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }

    private (string Certificate, string Key) WriteClient()
    {
        using X509Certificate2 client = Issue("kms-sidecar");
        return (Write("client.pem", client.ExportCertificatePem()), Write("client-key.pem", client.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()));
    }

    private string Write(string name, string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        string path = _directory.PathOf(name);
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, mode);
        return path;
    }
}
