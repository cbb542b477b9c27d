using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>Signatures in the query, where they are allowed.</summary>
public sealed class PresignedTests
{
    private const string Path = ClientRequest.Admin + "/status";
    private const string Parameters = "AuthorizationQueryParametersError";

    /// <summary>Computed by hand for GET of the status route, 300 seconds.</summary>
    private const string GoldenSignature = "faa7030d9a81a626ec0eba02c51d54955cdb98d006c2cf43ee6f3817978a403a";

    private static readonly SigV4Options Allowing = new() { AllowPresigned = true };

    [Fact]
    [Trait("Case", "53")]
    public void GoldenVector_IsAccepted()
    {
        string query = Query("300");

        Assert.Equal(GoldenSignature, Sign("GET", query, "host"));
        Harness.AssertAccepted(Harness.Verifier(Allowing).Judge(Head("GET", $"{query}&X-Amz-Signature={GoldenSignature}")));
    }

    [Theory]
    [InlineData("GET", "0000000300")]
    [InlineData("HEAD", "1")]
    [InlineData("GET", "604800")]
    [Trait("Case", "53")]
    public void Lifetime_IsTakenWithZerosInFront(string method, string expires)
    {
        string query = Query(expires);

        Harness.AssertAccepted(Harness.Verifier(Allowing).Judge(Head(method, $"{query}&X-Amz-Signature={Sign(method, query, "host")}")));
    }

    [Theory]
    [InlineData("GET", "604801", Parameters, 400)]
    [InlineData("GET", "0", Parameters, 400)]
    [InlineData("GET", "-1", Parameters, 400)]
    [InlineData("GET", "abc", Parameters, 400)]
    [InlineData("GET", "", Parameters, 400)]
    [InlineData("GET", "00000000300", Parameters, 400)]
    [InlineData("GET", null, Parameters, 400)]
    [InlineData("POST", "300", "AccessDenied", 403)]
    [InlineData("DELETE", "300", "AccessDenied", 403)]
    [Trait("Case", "52")]
    public void MethodOrLifetimeOfAnotherKind_IsRefused(string method, string? expires, string code, int status)
    {
        string query = Query(expires);

        Harness.AssertRefused(
            Harness.Verifier(Allowing).Judge(Head(method, $"{query}&X-Amz-Signature={Sign(method, query, "host")}")), code, status);
    }

    [Theory]
    [InlineData(300, null)]
    [InlineData(301, "AccessDenied")]
    [InlineData(-900, null)]
    [InlineData(-901, "RequestTimeTooSkewed")]
    [Trait("Case", "52")]
    public void Time_IsBounded(int secondsLater, string? code)
    {
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = Harness.ClockAt(Harness.DateTime);
        clock.AdjustTime(clock.GetUtcNow().AddSeconds(secondsLater));

        Verdict verdict = Harness.Verifier(Allowing, clock: clock).Judge(Head("GET", $"{Query("300")}&X-Amz-Signature={GoldenSignature}"));

        Assert.Equal(code, verdict.Failure?.Code.ToString());
    }

    [Fact]
    [Trait("Case", "52")]
    public void WithoutTheOption_IsRefused() => Harness.AssertRefused(
        Harness.Verifier().Judge(Head("GET", $"{Query("300")}&X-Amz-Signature={GoldenSignature}")), "AccessDenied", 403);

    [Fact]
    public void Version2_IsRefusedWhateverTheOption() => Harness.AssertRefused(
        Harness.Verifier(Allowing).Judge(Head("GET", "AWSAccessKeyId=rustfsadmin&Expires=1767330245&Signature=c2ln")), "AccessDenied", 403);

    [Theory]
    [InlineData("limit=3&", "SignatureDoesNotMatch")]
    [InlineData("X-Amz-Expires=604800&", Parameters)]
    [InlineData("X-Amz-Date=20260102T030406Z&", Parameters)]
    public void AddedParameter_IsRefused(string added, string code) => Assert.Equal(
        code,
        Harness.Verifier(Allowing).Judge(Head("GET", $"{added}{Query("300")}&X-Amz-Signature={GoldenSignature}")).Failure?.Code.ToString());

    [Fact]
    public void Body_IsNotCovered_AndSoRefused() => Harness.AssertRefused(
        Harness.Verifier(Allowing).Judge(Head("GET", $"{Query("300")}&X-Amz-Signature={GoldenSignature}"), [1]),
        "XAmzContentSHA256Mismatch",
        400);

    [Fact]
    public void UnsignedAmzHeader_IsRefused() => Harness.AssertRefused(
        Harness.Verifier(Allowing).Judge(Head("GET", $"{Query("300")}&X-Amz-Signature={GoldenSignature}").Plus("x-amz-meta-a", "1")),
        "AccessDenied",
        403);

    [Fact]
    public void AnotherService_IsRefused()
    {
        string query = Query("300").Replace("%2Fs3%2F", "%2Fkms%2F", StringComparison.Ordinal);

        Harness.AssertRefused(
            Harness.Verifier(Allowing).Judge(Head("GET", $"{query}&X-Amz-Signature={Sign("GET", query, "host", "kms")}")), Parameters, 400);
    }

    [Fact]
    public void Text_DoesNotHoldTheSignature()
    {
        Assert.True(PresignedQuery.TryRead(Head("GET", $"{Query("300")}&X-Amz-Signature={GoldenSignature}"), out PresignedQuery? presigned, out _));

        Assert.DoesNotContain(GoldenSignature, presigned.ToString(), StringComparison.Ordinal);
    }

    private static string Query(string? expires) =>
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=rustfsadmin%2F20260102%2Fus-east-1%2Fs3%2Faws4_request"
        + $"&X-Amz-Date={Harness.DateTime}{(expires is null ? "" : $"&X-Amz-Expires={expires}")}&X-Amz-SignedHeaders=host";

    private static string Sign(string method, string query, string names, string service = "s3") => SpecSigner.Signature(
        Harness.SecretKey,
        Harness.DateTime,
        "20260102",
        "us-east-1",
        service,
        SpecSigner.CanonicalRequest(method, Path, query, [("host", "localhost:9000")], [names], "UNSIGNED-PAYLOAD"));

    private static RequestHead Head(string method, string query) => Harness.Head(method, $"{Path}?{query}", [("Host", "localhost:9000")]);
}
