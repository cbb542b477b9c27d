using System.Text;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>What the program signs itself is what its own verifier, which was proven with other signers, accepts.</summary>
public sealed class RequestSignerTests
{
    [Theory]
    [InlineData("GET", "/rustfs/admin/v3/kms/status", "")]
    [InlineData("POST", "/rustfs/admin/v3/kms/configure?dry_run=true", """{"a":1}""")]
    [InlineData("GET", "/rustfs/admin/v3/kms/keys?marker=&limit=1000&status=pending-deletion", "")]
    [InlineData("GET", "/rustfs/admin/v3/kms/users/a%20b~c%2Fd", "")]
    [InlineData("GET", "/keys?marker=%C3%A9%2B&a=2", "")]
    public void WhatIsSigned_IsAccepted(string method, string target, string body)
    {
        byte[] content = Encoding.UTF8.GetBytes(body);

        Harness.AssertAccepted(Harness.Verifier().Judge(Sign(method, target, content), content));
    }

    [Fact]
    public void TheQueryAndTheBody_AreCovered()
    {
        RequestHead signed = Sign("POST", "/configure?dry_run=true", "{}"u8.ToArray());

        Harness.AssertRefused(
            Harness.Verifier().Judge(signed with { Target = Harness.Target("/configure?dry_run=false") }, "{}"u8.ToArray()), "SignatureDoesNotMatch", 403);
        Assert.NotNull(Harness.Verifier().Judge(signed, "[]"u8.ToArray()).Failure);
    }

    [Fact]
    public void ASessionToken_IsSentAndSigned()
    {
        RequestHead signed = Sign("GET", "/status", [], "some-token");

        Assert.Contains(new HeaderField("x-amz-security-token", "some-token"), signed.Headers);
        Assert.Contains(signed.Headers, static header => header.Name == "Authorization" && header.Value.Contains("x-amz-date;x-amz-security-token,", StringComparison.Ordinal));

        // Root has no sessions: the token was seen, and the signature was not what failed.
        Assert.Equal(AuthFailure.UnexpectedToken.Code, Harness.Verifier().Judge(signed).Failure!.Code);
    }

    [Fact]
    public void AMalformedEscape_IsNotSigned() => Assert.Throws<ArgumentException>(static () => Sign("GET", "/a%zz", []));

    private static RequestHead Sign(string method, string target, byte[] body, string? token = null)
    {
        using RequestSigner signer = new(Harness.Root(), "us-east-1", Harness.ClockAt(Harness.DateTime), token);
        using HttpRequestMessage request = new(
            new HttpMethod(method), new Uri($"http://localhost:9020{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        signer.Sign(request, body);
        return Harness.Head(
            method,
            request.RequestUri!.PathAndQuery,
            request.Headers.SelectMany(static header => header.Value.Select(value => (header.Key, value))));
    }
}
