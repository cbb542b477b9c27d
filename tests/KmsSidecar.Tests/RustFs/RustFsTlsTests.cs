using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Xunit;

namespace KmsSidecar.Tests.RustFs;

/// <summary>Whom the follower shows its signature to.</summary>
public sealed class RustFsTlsTests : IDisposable
{
    private readonly X509Certificate2 _authority = MakeAuthority("RustFS test authority");

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task CertificateOfTheGivenAuthority_IsAccepted()
    {
        using X509Certificate2 certificate = Issue(_authority, "localhost");
        await using RustFsDouble rustFs = new(certificate: certificate, host: "localhost");
        await using FollowerUnderTest test = new(rustFs.Endpoint, [_authority]);

        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status is { DefaultKeyId: "master", LastError: null });

        Assert.All(rustFs.Requests, static request => Assert.True(request.IsSigned));
    }

    [Fact]
    public async Task CertificateWithAnotherName_IsRefused()
    {
        using X509Certificate2 certificate = Issue(_authority, "elsewhere.example");
        await using RustFsDouble rustFs = new(certificate: certificate, host: "localhost");

        await AssertRefusedAsync(rustFs, [_authority], "RemoteCertificateNameMismatch");
    }

    [Fact]
    public async Task CertificateOfAnotherAuthority_IsRefused()
    {
        using X509Certificate2 other = MakeAuthority("RustFS test authority");
        using X509Certificate2 certificate = Issue(other, "localhost");
        await using RustFsDouble rustFs = new(certificate: certificate, host: "localhost");

        await AssertRefusedAsync(rustFs, [_authority], "certificate");
    }

    [Fact]
    public async Task CertificateThatTheSystemDoesNotTrust_IsRefusedWithoutAFile()
    {
        using X509Certificate2 certificate = Issue(_authority, "localhost");
        await using RustFsDouble rustFs = new(certificate: certificate, host: "localhost");

        await AssertRefusedAsync(rustFs, authorities: null, "certificate");
    }

    private static async Task AssertRefusedAsync(RustFsDouble rustFs, X509Certificate2Collection? authorities, string reason)
    {
        await using FollowerUnderTest test = new(rustFs.Endpoint, authorities);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.LastError is not null);

        Assert.StartsWith($"no TLS with {rustFs.Endpoint.GetLeftPart(UriPartial.Authority)}: ", test.Status.LastError);
        Assert.Contains(reason, test.Status.LastError);
        Assert.Contains("--rustfs-ca-file names the authority", test.Status.LastError);
        Assert.Empty(rustFs.Requests);
    }

    private static X509Certificate2 MakeAuthority(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string host)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=rustfs", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 bare = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }
}
