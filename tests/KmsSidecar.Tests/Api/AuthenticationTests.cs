using System.Text;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Who may ask, on each surface.</summary>
public sealed class AuthenticationTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Theory]
    [InlineData("GET", Kms + "/status")]
    [InlineData("GET", Kms + "/nope")]
    [InlineData("PUT", Kms + "/status")]
    [InlineData("POST", "/v1/decrypt")]
    [InlineData("POST", "/livez")]
    public async Task UnsignedRequest_IsRefusedBeforeAnythingElse(string method, string target)
    {
        using ApiClient client = ApiClient.OverTcp(_host.Address, credentials: null);

        (await client.SendAsync(method, target, "{")).ExpectXml(403, "AccessDenied", "Signature is required");
    }

    [Fact]
    public async Task WrongSecret_Is403()
    {
        using ApiClient client = ApiClient.OverTcp(_host.Address, (AccessKey, "another-secret"));

        (await client.GetAsync($"{Kms}/status")).ExpectXml(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.");
    }

    [Fact]
    public async Task UnknownAccessKey_Is403()
    {
        using ApiClient client = ApiClient.OverTcp(_host.Address, ("somebody", Secret));

        (await client.GetAsync($"{Kms}/status")).ExpectXml(
            403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.");
    }

    [Fact]
    public async Task BasicAuthentication_Is400()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        string basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{AccessKey}:{Secret}"));
        await raw.SendAsync($"GET {Kms}/status HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\n\r\n");

        Answer? answer = await raw.ReadAsync();

        Assert.Equal(400, answer!.Status);
        Assert.StartsWith("<?xml", answer.Text);
        Assert.DoesNotContain(basic, answer.Text);
    }

    [Fact]
    public async Task BodyThatWasNotSigned_Is400()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        await raw.SendAsync(Signed("POST", $"{Kms}/start", signedBody: "{}", sentBody: "[]"));

        Answer? answer = await raw.ReadAsync();

        answer!.ExpectXml(
            400, "XAmzContentSHA256Mismatch", "The provided &apos;x-amz-content-sha256&apos; header does not match what was computed.");
    }

    [Fact]
    public async Task GetWithASignedBody_IsAnswered() =>
        (await _host.Tcp.GetAsync($"{Kms}/status", """{"ignored":true}""")).Expect(200);

    [Fact]
    public async Task MinioPrefix_IsTheSame() =>
        Assert.Equal("Running", (await _host.Tcp.GetAsync("/minio/admin/v3/kms/status")).Expect(200)["status"]);

    [Fact]
    public async Task AdminSocket_NeedsNoSignature() =>
        Assert.Equal("Running", (await _host.Admin.GetAsync($"{Kms}/status")).Expect(200)["status"]);

    [Fact]
    public async Task AbsoluteTarget_IsTheSameResource()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        await raw.SendAsync(Signed("GET", $"{Kms}/status", "", "").Replace($"GET {Kms}", $"GET {_host.Address.AbsoluteUri.TrimEnd('/')}{Kms}"));

        Assert.Equal("Running", (await raw.ReadAsync())!.Expect(200)["status"]);
    }

    private string Signed(string method, string target, string signedBody, string sentBody)
    {
        IEnumerable<string> headers = Signature
            .Headers(method, _host.Address.Authority, target, Encoding.UTF8.GetBytes(signedBody), AccessKey, Secret)
            .Select(static header => $"{header.Name}: {header.Value}\r\n");
        return $"{method} {target} HTTP/1.1\r\n{string.Concat(headers)}Content-Length: {sentBody.Length}\r\n\r\n{sentBody}";
    }
}
