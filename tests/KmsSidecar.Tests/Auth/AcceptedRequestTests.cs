using KmsSidecar.Auth;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>What clients send, and must be able to send. The number is the case's in the verifier's case list; see
/// <see cref="CaseListTests"/>.</summary>
public sealed class AcceptedRequestTests
{
    private static readonly ClientCase[] Cases =
    [
        new(2, "content hash sent but not signed (awscurl before 0.38)", () => new ClientRequest { SignedNames = "host;x-amz-date" }),
        new(4, "body with line breaks and indentation", () => Post("/configure", "{\n  \"backend_type\":\t\"local\"\n}\n")),
        new(5, "POST with Content-Length: 0", () => With(Post("/start", ""), client => client.ExtraUnsigned.Add(("Content-Length", "0")))),
        new(6, "POST without length and body", () => Post("/start", "")),
        new(6, "POST without length, body and content hash", () => With(Post("/start", ""), client => client.SendsHash = false)),
        new(8, "parameter without a value", () => new ClientRequest { Target = ClientRequest.Admin + "/keys?limit" }),
        new(12, "no content type", () => new ClientRequest { ContentType = null }),
        new(15, "runs of spaces, signed as one", () => new ClientRequest { ExtraSigned = { ("x-foo", "  a   b ") } }),
        new(16, "repeated header", () => new ClientRequest { ExtraSigned = { ("x-foo", "b"), ("X-Foo", "a") } }),
        new(18, "IPv6 host", () => new ClientRequest { Host = "[::1]:9000" }),
        new(19, "host without port", () => new ClientRequest { Host = "localhost" }),
        new(22, "headers that SDKs and proxies add", () => new ClientRequest
        {
            ExtraUnsigned =
            {
                ("User-Agent", "x"), ("amz-sdk-request", "attempt=1"), ("amz-sdk-invocation-id", "1"), ("X-Amzn-Trace-Id", "Root=1"),
                ("Via", "a"), ("Via", "b"),
            },
        }),
        new(23, "GET with a body", () => new ClientRequest { BodyText = "{}" }),
    ];

    public static TheoryData<int, string> Rows => ClientCase.Rows(Cases);

    [Theory]
    [MemberData(nameof(Rows))]
    [Trait("Case", "2")]
    [Trait("Case", "4")]
    [Trait("Case", "5")]
    [Trait("Case", "6")]
    [Trait("Case", "8")]
    [Trait("Case", "12")]
    [Trait("Case", "15")]
    [Trait("Case", "16")]
    [Trait("Case", "18")]
    [Trait("Case", "19")]
    [Trait("Case", "22")]
    [Trait("Case", "23")]
    public void Request_IsAccepted(int number, string name)
    {
        ClientRequest client = ClientCase.Find(Cases, number, name);

        Verdict verdict = Harness.Verifier().Judge(client.Sign(), client.Body);

        Harness.AssertAccepted(verdict);
        Assert.Equal(new Caller("rustfsadmin", new Principal("rustfsadmin", IsOwner: true), "s3"), verdict.Caller);
    }

    [Theory]
    [InlineData(", ", ",")]
    [InlineData(", ", " ,\t")]
    [InlineData("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256  ")]
    [Trait("Case", "13")]
    public void AuthorizationWithOtherBlanks_IsAccepted(string from, string to)
    {
        RequestHead head = new ClientRequest().Sign();

        Harness.AssertAccepted(Harness.Verifier().Judge(head.With("Authorization", head.Value("Authorization").Replace(from, to))));
    }

    [Fact]
    [Trait("Case", "13")]
    public void FieldsInAnotherOrder_AreAccepted()
    {
        RequestHead head = new ClientRequest().Sign();
        string[] fields = head.Value("Authorization")["AWS4-HMAC-SHA256 ".Length..].Split(", ");
        string reversed = "AWS4-HMAC-SHA256 " + string.Join(", ", fields.Reverse());

        Harness.AssertAccepted(Harness.Verifier().Judge(head.With("Authorization", reversed)));
    }

    [Fact]
    [Trait("Case", "14")]
    public void HeaderNamesInAnyCase_AreAccepted()
    {
        RequestHead head = new ClientRequest().Sign();
        IEnumerable<HeaderField> shouted = head.Headers.Select(static field => field with { Name = field.Name.ToUpperInvariant() });
        RequestHead shouting = head with { Headers = [.. shouted] };

        Harness.AssertAccepted(Harness.Verifier().Judge(shouting));
    }

    [Fact]
    [Trait("Case", "17")]
    public void AbsoluteTarget_IsAccepted()
    {
        RequestHead head = new ClientRequest { Target = ClientRequest.Admin + "/keys?limit=3" }.Sign();
        RequestHead proxied = head with { Target = Harness.Target("http://localhost:9000" + ClientRequest.Admin + "/keys?limit=3") };

        Harness.AssertAccepted(Harness.Verifier().Judge(proxied));
    }

    [Theory]
    [InlineData(-900)]
    [InlineData(900)]
    [InlineData(5 * 60)]
    [Trait("Case", "20")]
    [Trait("Case", "78")]
    public void RequestWithinTheSkew_IsAccepted(int secondsLater)
    {
        FakeTimeProvider clock = new(Harness.ClockAt(Harness.DateTime).GetUtcNow().AddSeconds(secondsLater));

        Harness.AssertAccepted(Harness.Verifier(clock: clock).Judge(new ClientRequest().Sign()));
    }

    [Fact]
    public void SecondRequest_IsAcceptedWithTheCachedSigningKey()
    {
        SigV4Verifier verifier = Harness.Verifier();

        Harness.AssertAccepted(verifier.Judge(new ClientRequest().Sign()));
        Harness.AssertAccepted(verifier.Judge(new ClientRequest().Sign()));
        Harness.AssertRefused(verifier.Judge(new ClientRequest { SecretKey = "wrong" }.Sign()), "SignatureDoesNotMatch", 403);
    }

    [Fact]
    public void StsRequest_IsAcceptedOnPostRoot()
    {
        ClientRequest client = new()
        {
            Method = "POST",
            Target = "/",
            Service = "sts",
            SendsHash = false,
            BodyText = "Action=GetCallerIdentity",
        };

        Verdict verdict = Harness.Verifier().Judge(client.Sign(), client.Body);

        Harness.AssertAccepted(verdict);
        Assert.Equal("sts", verdict.Caller!.Service);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:9000")]
    public void AllowedHost_IsAccepted(string allowed)
    {
        SigV4Options options = new() { AllowedHosts = ["kms.example", allowed] };

        Harness.AssertAccepted(Harness.Verifier(options).Judge(new ClientRequest().Sign()));
    }

    [Fact]
    public void AnyRegion_IsAcceptedWhenTheOptionsSaySo()
    {
        SigV4Options options = new() { Regions = ["*"] };

        Harness.AssertAccepted(Harness.Verifier(options).Judge(new ClientRequest { Region = "eu-west-1" }.Sign()));
    }

    private static ClientRequest Post(string route, string body) =>
        new() { Method = "POST", Target = ClientRequest.Admin + route, BodyText = body };

    private static ClientRequest With(ClientRequest client, Action<ClientRequest> change)
    {
        change(client);
        return client;
    }
}
