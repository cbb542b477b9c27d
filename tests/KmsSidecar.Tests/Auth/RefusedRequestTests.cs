using KmsSidecar.Auth;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>Requests that are refused, by the number of the case in the verifier's case list. None of them has its body read, unless a test
/// says so.</summary>
public sealed class RefusedRequestTests
{
    private const string Mismatch = "SignatureDoesNotMatch";
    private const string Malformed = "AuthorizationHeaderMalformed";
    private const string Invalid = "InvalidRequest";

    public static TheoryData<string, string, int> AuthorizationValues => new()
    {
        // 25
        { "Basic cnVzdGZzYWRtaW46cnVzdGZzYWRtaW4=", Invalid, 400 },
        { "Bearer token", Invalid, 400 },
        // 26
        { "", Invalid, 400 },
        { "AWS4-HMAC-SHA256", Invalid, 400 },
        { "AWS4-HMAC-SHA256 ", Invalid, 400 },
        { "AWS4-HMAC-SHA256 garbage", Invalid, 400 },
        { "AWS4-HMAC-SHA256 {credential}, {headers}", Invalid, 400 },
        { "AWS4-HMAC-SHA256 {credential}, {headers}, {signature}, {signature}", Invalid, 400 },
        { "AWS4-HMAC-SHA256 {credential}, {headers}, {signature}, Extra=1", Invalid, 400 },
        { "AWS4-HMAC-SHA256 {credential}, {headers}, {signature},", Invalid, 400 },
        { "AWS4-HMAC-SHA256 Credential=rustfsadmin, {headers}, {signature}", Malformed, 400 },
        // 27
        { "AWS4-HMAC-SHA512 {credential}, {headers}, {signature}", Invalid, 400 },
        { "AWS4-ECDSA-P256-SHA256 {credential}, {headers}, {signature}", "NotImplemented", 501 },
        { "FOO {credential}, {headers}, {signature}", Invalid, 400 },
        // 29
        { "AWS4-HMAC-SHA256 Credential=/20260102/us-east-1/s3/aws4_request, {headers}, {signature}", "InvalidAccessKeyId", 403 },
        // 31
        { "AWS4-HMAC-SHA256 {credential}, {headers}, Signature=", Mismatch, 403 },
        // 45
        { "AWS4-HMAC-SHA256 Credential=rustfsadmin/20260102/us-east-1/s3/aws4_requestX, {headers}, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 Credential=rustfsadmin/x/20260102/us-east-1/s3/aws4_request, {headers}, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 Credential=rustfsadmin/20260102/us-east-1/s3/aws4_request/x, {headers}, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 Credential=rustfsadmin/20260231/us-east-1/s3/aws4_request, {headers}, {signature}", Malformed, 400 },
        // 46
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=x-amz-date, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, {signature}", Malformed, 400 },
        // 49
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=x-amz-date;host, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=Host;x-amz-date, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;host;x-amz-date, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;;x-amz-date, {signature}", Malformed, 400 },
        { "AWS4-HMAC-SHA256 {credential}, SignedHeaders=, {signature}", Malformed, 400 },
        // 54
        { "AWS rustfsadmin:c2lnbmF0dXJl", Invalid, 400 },
    };

    [Theory]
    [MemberData(nameof(AuthorizationValues))]
    [Trait("Case", "25")]
    [Trait("Case", "26")]
    [Trait("Case", "27")]
    [Trait("Case", "29")]
    [Trait("Case", "31")]
    [Trait("Case", "45")]
    [Trait("Case", "46")]
    [Trait("Case", "49")]
    [Trait("Case", "54")]
    public void Authorization_IsRefused(string value, string code, int status)
    {
        RequestHead head = new ClientRequest().Sign();
        string[] fields = head.Value("Authorization")["AWS4-HMAC-SHA256 ".Length..].Split(", ");
        string filled = value.Replace("{credential}", fields[0]).Replace("{headers}", fields[1]).Replace("{signature}", fields[2]);

        Verdict verdict = Harness.Verifier().Judge(head.With("Authorization", filled));

        Harness.AssertRefused(verdict, code, status);
        Assert.False(verdict.ReadBody);
    }

    [Fact]
    [Trait("Case", "24")]
    public void NoSignature_IsRefused()
    {
        Verdict verdict = Harness.Verifier().Judge(new ClientRequest().Sign().With("Authorization", null));

        Harness.AssertRefused(verdict, "AccessDenied", 403);
        Assert.Equal("Signature is required", verdict.Failure!.Message);
    }

    [Fact]
    [Trait("Case", "25")]
    public void BasicScheme_IsNamed()
    {
        Verdict verdict = Harness.Verifier().Judge(new ClientRequest().Sign().With("Authorization", "Basic YTpi"));

        Assert.Contains("Basic", verdict.Failure!.Message);
        Assert.DoesNotContain("YTpi", verdict.Failure.Message);
    }

    [Theory]
    [InlineData("someoneelse", Harness.SecretKey, true, "InvalidAccessKeyId")]
    [InlineData("someoneelse", Harness.SecretKey, false, "InvalidAccessKeyId")]
    [InlineData("someoneelse", "", true, "InvalidAccessKeyId")]
    [InlineData(Harness.AccessKey, "wrongsecret", true, Mismatch)]
    [InlineData(Harness.AccessKey, "", true, Mismatch)]
    [Trait("Case", "28")]
    [Trait("Case", "30")]
    public void WrongKeyPair_IsRefusedByTheHead(string accessKey, string secretKey, bool sendsHash, string code)
    {
        ClientRequest client = new() { AccessKey = accessKey, SecretKey = secretKey, SendsHash = sendsHash };

        Verdict verdict = Harness.Verifier().Judge(client.Sign());

        Harness.AssertRefused(verdict, code, 403);
        Assert.False(verdict.ReadBody);
    }

    [Theory]
    [InlineData("flip")]
    [InlineData("upper")]
    [InlineData("63")]
    [InlineData("65")]
    [InlineData("not hex")]
    [InlineData("not ASCII")]
    [Trait("Case", "31")]
    public void DamagedSignature_DoesNotMatch(string damage)
    {
        ClientRequest client = new();
        RequestHead head = client.Sign();
        string damaged = damage switch
        {
            "flip" => (client.Signature[0] == 'a' ? 'b' : 'a') + client.Signature[1..],
            "upper" => client.Signature.ToUpperInvariant(),
            "63" => client.Signature[..63],
            "65" => client.Signature + "0",
            "not hex" => "g" + client.Signature[1..],
            _ => "é" + client.Signature[1..],
        };
        Assert.NotEqual(client.Signature, damaged);

        string authorization = head.Value("Authorization").Replace(client.Signature, damaged);
        Verdict verdict = Harness.Verifier().Judge(head.With("Authorization", authorization));

        Harness.AssertRefused(verdict, Mismatch, 403);
    }

    [Theory]
    [InlineData("POST", "/keys?limit=3")]
    [InlineData("get", "/keys?limit=3")]
    [InlineData("GET", "/key?limit=3")]
    [InlineData("GET", "/keys?limit=4")]
    [InlineData("GET", "/keys?limit=3&marker=b")]
    [InlineData("GET", "/keys")]
    [Trait("Case", "32")]
    public void ChangedRequestLine_DoesNotMatch(string method, string target)
    {
        RequestHead head = new ClientRequest { Target = ClientRequest.Admin + "/keys?limit=3" }.Sign();

        Verdict verdict = Harness.Verifier().Judge(head with { Method = method, Target = Harness.Target(ClientRequest.Admin + target) });

        Harness.AssertRefused(verdict, Mismatch, 403);
    }

    [Fact]
    [Trait("Case", "33")]
    public void ChangedHost_DoesNotMatch() => Harness.AssertRefused(
        Harness.Verifier().Judge(new ClientRequest().Sign().With("Host", "localhost:9001")), Mismatch, 403);

    [Theory]
    [InlineData("localhost:9001")]
    [InlineData("local")]
    [InlineData("kms.example")]
    [Trait("Case", "33")]
    public void SignedHostThatIsNotAllowed_IsRefused(string allowed)
    {
        Verdict verdict = Harness.Verifier(new SigV4Options { AllowedHosts = [allowed] }).Judge(new ClientRequest().Sign());

        Harness.AssertRefused(verdict, "AccessDenied", 403);
        Assert.Contains($"'{allowed}'", verdict.Failure!.Message);
    }

    [Theory]
    [InlineData("POST", "/configure", "{\"a\":1}", "{\"a\":2}")]
    [InlineData("POST", "/configure", "{\"a\":1}", "")]
    [InlineData("POST", "/stop", "", "x")]
    [InlineData("GET", "/status", "", "x")]
    [Trait("Case", "34")]
    [Trait("Case", "35")]
    public void ChangedBody_IsRefusedOnEveryMethod(string method, string route, string signedBody, string sentBody)
    {
        ClientRequest client = new() { Method = method, Target = ClientRequest.Admin + route, BodyText = signedBody };

        Verdict verdict = Harness.Verifier().Judge(client.Sign(), System.Text.Encoding.UTF8.GetBytes(sentBody));

        Harness.AssertRefused(verdict, "XAmzContentSHA256Mismatch", 400);
        Assert.True(verdict.ReadBody);
    }

    [Fact]
    [Trait("Case", "36")]
    public void EmptyHashSignedOverABody_DoesNotMatch()
    {
        ClientRequest client = new() { Method = "PUT", SendsHash = false };

        Verdict verdict = Harness.Verifier().Judge(client.Sign(), "body"u8.ToArray());

        Harness.AssertRefused(verdict, Mismatch, 403);
        Assert.True(verdict.ReadBody);
    }

    [Theory]
    [InlineData("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "s3", Invalid, 400)]
    [InlineData("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "s3", Invalid, 400)]
    [InlineData("foo", "s3", Invalid, 400)]
    [InlineData("", "s3", Invalid, 400)]
    [InlineData("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "s3", "NotImplemented", 501)]
    [InlineData("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "s3", "NotImplemented", 501)]
    [InlineData("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "s3", "NotImplemented", 501)]
    [InlineData("UNSIGNED-PAYLOAD", "kms", Invalid, 400)]
    [Trait("Case", "37")]
    [Trait("Case", "38")]
    [Trait("Case", "39")]
    public void ContentHash_IsRefused(string value, string service, string code, int status)
    {
        Verdict verdict = Harness.Verifier().Judge(new ClientRequest { Payload = value, Service = service }.Sign());

        Harness.AssertRefused(verdict, code, status);
        Assert.False(verdict.ReadBody);
    }

    [Fact]
    [Trait("Case", "9")]
    public void UnsignedPayload_IsRefusedWhenDisabled()
    {
        SigV4Options options = new() { AllowUnsignedPayload = false };
        ClientRequest client = new() { Payload = "UNSIGNED-PAYLOAD" };

        Harness.AssertRefused(Harness.Verifier(options).Judge(client.Sign()), Invalid, 400);
    }

    [Theory]
    [InlineData(-901)]
    [InlineData(901)]
    [InlineData(86400)]
    [InlineData(16 * 60)]
    [Trait("Case", "40")]
    [Trait("Case", "78")]
    public void RequestOutsideTheSkew_IsRefused(int secondsLater)
    {
        FakeTimeProvider clock = new(Harness.ClockAt(Harness.DateTime).GetUtcNow().AddSeconds(secondsLater));

        Harness.AssertRefused(Harness.Verifier(clock: clock).Judge(new ClientRequest().Sign()), "RequestTimeTooSkewed", 403);
    }

    [Theory]
    [InlineData("2026-01-02T03:04:05Z")]
    [InlineData("20260102T030405")]
    [InlineData("20260102T240000Z")]
    [InlineData("20260231T030405Z")]
    [InlineData("20260102T030460Z")]
    [InlineData("20260102t030405z")]
    [InlineData("Fri, 02 Jan 2026 03:04:05 GMT")]
    [InlineData("")]
    [Trait("Case", "41")]
    public void InvalidTime_IsRefused(string time)
    {
        ClientRequest client = new() { DateTime = time, ScopeDate = "20260102" };

        Verdict verdict = Harness.Verifier().Judge(client.Sign());

        Harness.AssertRefused(verdict, Invalid, 400);
        Assert.Equal("invalid header: x-amz-date", verdict.Failure!.Message);
    }

    [Fact]
    [Trait("Case", "41")]
    public void DateInsteadOfAmzDate_IsRefused()
    {
        RequestHead head = new ClientRequest().Sign().With("x-amz-date", null).Plus("Date", "Fri, 02 Jan 2026 03:04:05 GMT");

        Verdict verdict = Harness.Verifier().Judge(head);

        Harness.AssertRefused(verdict, Invalid, 400);
        Assert.Equal("missing header: x-amz-date", verdict.Failure!.Message);
    }

    [Theory]
    [InlineData("20260102T030405Z", "20260101")]
    [InlineData("20260103T000000Z", "20260102")]
    [InlineData("20260102T235959Z", "20260103")]
    [Trait("Case", "42")]
    public void ScopeOfAnotherDay_IsRefused(string time, string scopeDate)
    {
        ClientRequest client = new() { DateTime = time, ScopeDate = scopeDate };

        Harness.AssertRefused(Harness.Verifier(clock: Harness.ClockAt(time)).Judge(client.Sign()), Mismatch, 403);
    }

    [Theory]
    [InlineData("eu-west-1", "s3", "'us-east-1'")]
    [InlineData("*", "s3", "'us-east-1'")]
    [InlineData("", "s3", "'us-east-1'")]
    [InlineData("US-EAST-1", "s3", "'us-east-1'")]
    [InlineData("us-east-1", "execute-api", "expecting 's3' or 'kms'.")]
    [InlineData("us-east-1", "ec2", "expecting 's3' or 'kms'.")]
    [InlineData("us-east-1", "S3", "expecting 's3' or 'kms'.")]
    [InlineData("us-east-1", "", "expecting 's3' or 'kms'.")]
    [InlineData("us-east-1", "sts", "expecting 's3' or 'kms'.")]
    [Trait("Case", "43")]
    [Trait("Case", "44")]
    public void Scope_IsRefusedWithWhatIsExpected(string region, string service, string expected)
    {
        Verdict verdict = Harness.Verifier().Judge(new ClientRequest { Region = region, Service = service }.Sign());

        Harness.AssertRefused(verdict, Malformed, 400);
        Assert.Contains(expected, verdict.Failure!.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("US")]
    [InlineData("a_b")]
    [Trait("Case", "43")]
    public void AnyRegion_StillHasToBeAName(string region) => Harness.AssertRefused(
        Harness.Verifier(new SigV4Options { Regions = ["*"] }).Judge(new ClientRequest { Region = region }.Sign()), Malformed, 400);

    [Theory]
    [InlineData("x-amz-security-token")]
    [InlineData("X-Amz-Target")]
    [InlineData("x-amz-meta-a")]
    [Trait("Case", "47")]
    public void UnsignedAmzHeader_IsRefused(string name)
    {
        Verdict verdict = Harness.Verifier().Judge(new ClientRequest { Service = "kms", ExtraUnsigned = { (name, "x") } }.Sign());

        Harness.AssertRefused(verdict, "AccessDenied", 403);
        Assert.EndsWith(name.ToLowerInvariant(), verdict.Failure!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("sts")]
    public void KeyOperation_SignedForAnotherService_IsRefused(string service) => Harness.AssertRefused(
        Harness.Verifier().Judge(
            new ClientRequest { Method = "POST", Target = "/", Service = service, ExtraSigned = { ("X-Amz-Target", "TrentService.Decrypt") } }.Sign()),
        Malformed,
        400);

    [Theory]
    [InlineData("over an empty value")]
    [InlineData("over its omission")]
    [Trait("Case", "48")]
    public void SignedHeaderThatIsAbsent_IsRefused(string signedAs)
    {
        const string names = "content-type;host;x-absent;x-amz-content-sha256;x-amz-date";
        RequestHead head = signedAs == "over an empty value"
            ? new ClientRequest { SignedNames = names }.Sign()
            : new ClientRequest().Sign();
        string authorization = head.Value("Authorization").Replace(names.Replace("x-absent;", ""), names);

        Harness.AssertRefused(Harness.Verifier().Judge(head.With("Authorization", authorization)), Malformed, 400);
    }

    [Fact]
    [Trait("Case", "49")]
    public void ThousandSignedHeaders_AreRefused()
    {
        string names = string.Join(';', Enumerable.Range(0, 1000).Select(static i => $"x{i:0000}").Prepend("host").Append("x-amz-date"));

        Harness.AssertRefused(Harness.Verifier().Judge(new ClientRequest { SignedNames = names }.Sign()), Malformed, 400);
    }

    [Theory]
    [InlineData("Authorization")]
    [InlineData("X-Amz-Date")]
    [InlineData("HOST")]
    [InlineData("Content-Length")]
    [InlineData("x-amz-content-sha256")]
    [InlineData("x-amz-security-token")]
    [Trait("Case", "50")]
    public void RepeatedHeader_IsRefused(string name)
    {
        ClientRequest client = new() { ExtraSigned = { ("content-length", "0"), ("x-amz-security-token", "t") } };
        RequestHead head = client.Sign();

        Verdict verdict = Harness.Verifier().Judge(head.Plus(name, head.Value(name)));

        Harness.AssertRefused(verdict, Invalid, 400);
        Assert.Equal("duplicate header: " + name.ToLowerInvariant(), verdict.Failure!.Message);
    }

    [Fact]
    [Trait("Case", "51")]
    public void TwoSignatures_AreRefused() => Harness.AssertRefused(
        Harness.Verifier().Judge(new ClientRequest { Target = ClientRequest.Admin + "/status?X-Amz-Signature=0" }.Sign()), Invalid, 400);

    [Theory]
    [InlineData("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=rustfsadmin%2F20260102%2Fus-east-1%2Fs3%2Faws4_request"
        + "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host"
        + "&X-Amz-Signature=faa7030d9a81a626ec0eba02c51d54955cdb98d006c2cf43ee6f3817978a403a")]
    [InlineData("AWSAccessKeyId=rustfsadmin&Expires=1767330245&Signature=c2ln")]
    [Trait("Case", "52")]
    [Trait("Case", "54")]
    public void QuerySignature_IsRefused(string query)
    {
        RequestHead head = Harness.Head("GET", ClientRequest.Admin + "/status?" + query, [("Host", "localhost:9000")]);

        Verdict verdict = Harness.Verifier().Judge(head);

        Harness.AssertRefused(verdict, "AccessDenied", 403);
        Assert.Contains("presigned", verdict.Failure!.Message);
    }

    [Fact]
    [Trait("Case", "54")]
    public void PostPolicyForm_IsRefused()
    {
        RequestHead head = Harness.Head(
            "POST", ClientRequest.Admin + "/start", [("Host", "h"), ("Content-Type", "multipart/form-data; boundary=b")]);

        Verdict verdict = Harness.Verifier().Judge(head);

        Harness.AssertRefused(verdict, "AccessDenied", 403);
        Assert.False(verdict.ReadBody);
    }

    [Theory]
    [InlineData("FwoGZXIvYXdzEBYaD")]
    [InlineData("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJwYXJlbnQiOiJydXN0ZnNhZG1pbiIsImV4cCI6MTc2NzMzMDI0NX0"
        + ".sGr_ch0V0RdfFTkBsy0y9fy6EerggJUDY0mZU1D6bfBsUmOjTfo-4YcDZqCbTgu94VygMk4lwIefxUCxt3AgTA")]
    [Trait("Case", "60")]
    [Trait("Case", "62")]
    public void PermanentKeyWithAToken_IsRefusedOnceTheSignatureIsRight(string token)
    {
        ClientRequest client = new() { ExtraSigned = { ("x-amz-security-token", token) } };

        Verdict right = Harness.Verifier().Judge(client.Sign());
        client.SecretKey = "x";
        Verdict wrong = Harness.Verifier().Judge(client.Sign());

        Harness.AssertRefused(right, "InvalidToken", 400);
        Assert.Contains("AWS_SESSION_TOKEN", right.Failure!.Message);
        Harness.AssertRefused(wrong, Mismatch, 403);
    }
}
