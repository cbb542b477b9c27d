using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Doubles;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>The double over TLS, with the right name, another, and a certificate asked of the client.</summary>
public sealed class VaultDoubleTlsTests : IDisposable
{
    private readonly X509Certificate2 _server = SelfSigned("localhost");
    private readonly X509Certificate2 _client = SelfSigned("client");

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
    }

    [Theory]
    [InlineData("localhost", null)]
    [InlineData("127.0.0.1", "RemoteCertificateNameMismatch")]
    public async Task Name_IsTheCertificates(string host, string? error)
    {
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Certificate = _server, Host = host });

        Assert.Equal(error is null, await Answers(vault, client: null, error));
    }

    [Fact]
    public async Task Client_ShowsACertificateWhereOneIsAskedFor()
    {
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Certificate = _server, Host = "localhost", ClientAuthority = _client });

        Assert.True(await Answers(vault, _client, error: null));
        Assert.False(await Answers(vault, _server, error: ""));
        Assert.False(await Answers(vault, client: null, error: ""));
    }

    private static X509Certificate2 SelfSigned(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <param name="error">What the message of a failure must have in it; null where there must be none.</param>
    private async Task<bool> Answers(VaultDouble vault, X509Certificate2? client, string? error)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_server);
        using HttpClient http = new(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy, ClientCertificates = client is null ? [] : [client] },
        });
        try
        {
            using HttpResponseMessage health = await http.GetAsync(new Uri(vault.Address, "/v1/sys/health"), TestContext.Current.CancellationToken);
            return health.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException failure) when (error is not null)
        {
            Assert.Contains(error, failure.InnerException?.Message, StringComparison.Ordinal);
            return false;
        }
    }
}
