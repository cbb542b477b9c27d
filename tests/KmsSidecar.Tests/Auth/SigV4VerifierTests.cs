using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed class SigV4VerifierTests
{
    [Fact]
    public void WithoutCredentials_EveryRequestIsRefusedWithTheRemedy()
    {
        SigV4Verifier verifier = Harness.Verifier(credentials: new NoCredentials());

        foreach (RequestHead head in new[] { new ClientRequest().Sign(), Harness.Head("GET", "/", []), Harness.Head("??", "/", []) })
        {
            Verdict verdict = verifier.Judge(head);

            Harness.AssertRefused(verdict, "AccessDenied", 403);
            Assert.Contains("RUSTFS_ACCESS_KEY", verdict.Failure!.Message);
        }
    }

    [Fact]
    public void ReplacedCredentials_ApplyToTheNextRequest()
    {
        using RootCredentials next = new("rustfsadmin", "second-secret"u8);
        SigV4Verifier verifier = Harness.Verifier();
        RequestHead first = new ClientRequest().Sign();
        RequestHead second = new ClientRequest { SecretKey = "second-secret" }.Sign();
        Harness.AssertAccepted(verifier.Judge(first));

        verifier.UseCredentials(next);

        Harness.AssertRefused(verifier.Judge(first), "SignatureDoesNotMatch", 403);
        Harness.AssertAccepted(verifier.Judge(second));
    }

    [Fact]
    public void BodyThatComesAfterAReplacement_IsJudgedByTheNewCredentials()
    {
        using RootCredentials next = new("rustfsadmin", "second-secret"u8);
        SigV4Verifier verifier = Harness.Verifier();
        Assert.True(verifier.TryBegin(new ClientRequest { SendsHash = false }.Sign(), out PendingVerification? pending, out _));

        verifier.UseCredentials(next);

        Assert.False(pending.TryComplete([], out _, out AuthFailure? failure));
        Assert.Equal(AuthErrorCode.SignatureDoesNotMatch, failure.Code);
    }

    [Fact]
    public void SourceDisposedDuringALookup_IsFollowedByItsSuccessor()
    {
        SwappingCredentials swapping = new();
        SigV4Verifier verifier = Harness.Verifier(credentials: swapping);
        swapping.OnFind = () => verifier.UseCredentials(Harness.Root());

        Harness.AssertAccepted(verifier.Judge(new ClientRequest().Sign()));
    }

    [Fact]
    public void RefusedAccount_IsToldOnlyToWhoHoldsTheSecret()
    {
        FixedCredentials disabled = new(("alice", "alices-secret"))
        {
            Refusal = new AuthFailure(AuthErrorCode.InvalidAccessKeyId, "disabled"),
        };
        SigV4Verifier verifier = Harness.Verifier(credentials: disabled);

        foreach (bool sendsHash in new[] { true, false })
        {
            ClientRequest client = new() { AccessKey = "alice", SecretKey = "alices-secret", SendsHash = sendsHash };
            Verdict right = verifier.Judge(client.Sign());
            client.SecretKey = "guess";
            Verdict wrong = verifier.Judge(client.Sign());

            Assert.Equal("disabled", right.Failure!.Message);
            Harness.AssertRefused(wrong, "SignatureDoesNotMatch", 403);
        }
    }

    /// <summary>A line break within a part would let one signature stand for two requests.</summary>
    [Theory]
    [InlineData("x-foo", "a\nx-bar:b")]
    [InlineData("x-foo", "a\rb")]
    [InlineData("x-foo", "a\0b")]
    [InlineData("x-fo\no", "a")]
    [InlineData("x foo", "a")]
    [InlineData("", "a")]
    public void HeaderThatNoParserPasses_IsRefused(string name, string value) => Harness.AssertRefused(
        Harness.Verifier().Judge(new ClientRequest().Sign().Plus(name, value)), "InvalidRequest", 400);

    [Theory]
    [InlineData("")]
    [InlineData("GET\n/")]
    [InlineData("G T")]
    public void MethodThatIsNoToken_IsRefused(string method) => Harness.AssertRefused(
        Harness.Verifier().Judge(new ClientRequest().Sign() with { Method = method }), "InvalidURI", 400);

    [Fact]
    public void HeadersBeyondTheBounds_AreRefused()
    {
        RequestHead head = new ClientRequest().Sign();
        HeaderField[] filler = [.. Enumerable.Range(0, RequestHeaders.MaxLines).Select(static i => new HeaderField($"f{i}", ""))];

        RequestHead full = head with { Headers = [.. head.Headers, .. filler[head.Headers.Count..]] };
        RequestHead tooLong = head.Plus("f", new string('a', RequestHeaders.MaxTotalChars));

        Harness.AssertAccepted(Harness.Verifier().Judge(full));
        Harness.AssertRefused(Harness.Verifier().Judge(full.Plus("f", "")), "InvalidRequest", 400);
        Harness.AssertRefused(Harness.Verifier().Judge(tooLong), "InvalidRequest", 400);
    }

    [Fact]
    public void Failures_RepeatNothingSecret()
    {
        RequestHead head = new ClientRequest { SecretKey = "wrong" }.Sign();

        AuthFailure failure = Harness.Verifier().Judge(head).Failure!;

        Assert.DoesNotContain(head.Value("Authorization").Split("Signature=")[1], failure.ToString());
        Assert.True(AuthorizationHeader.TryParse(head.Value("Authorization"), out AuthorizationHeader? parsed, out _));
        Assert.Equal("rustfsadmin/20260102/us-east-1/s3/aws4_request", parsed.ToString());
    }

    private sealed class SwappingCredentials : ICredentialSource
    {
        public Action OnFind { get; set; } = static () => { };

        public bool IsEmpty => false;

        public CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret)
        {
            OnFind();
            return CredentialLookup.Unknown;
        }
    }
}
