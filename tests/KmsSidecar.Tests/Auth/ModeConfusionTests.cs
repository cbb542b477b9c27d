using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>Cases 55 to 59: what is signed for one resource must not be acted on for another.</summary>
public sealed class ModeConfusionTests
{
    private const string Keys = ClientRequest.Admin + "/keys/";

    /// <summary>A signer of the S3 kind: the name is encoded once, on the wire and under the signature.</summary>
    [Theory]
    [InlineData("a%2520b", "a%20b")]
    [InlineData("a%20b", "a%2520b")]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("a%2Eb", "a%252Eb")]
    [Trait("Case", "56")]
    public void SignatureForOneName_DoesNotMatchAnother(string signedName, string replayedName)
    {
        RequestHead head = new ClientRequest { Target = Keys + signedName }.Sign();
        SigV4Verifier verifier = Harness.Verifier();

        Harness.AssertAccepted(verifier.Judge(head));
        Harness.AssertRefused(verifier.Judge(head with { Target = Harness.Target(Keys + replayedName) }), "SignatureDoesNotMatch", 403);
    }

    [Theory]
    [InlineData("keyId=a%2520b", "keyId=a%20b")]
    [InlineData("keyId=a%26x%3D1", "keyId=a&x=1")]
    [InlineData("keyId=a&x=1", "keyId=a%26x%3D1")]
    [InlineData("keyId%3Da=", "keyId=a")]
    [InlineData("keyId=a%2Bb", "keyId=a%20b")]
    [Trait("Case", "56")]
    public void SignatureForOneQuery_DoesNotMatchAnother(string signedQuery, string replayedQuery)
    {
        RequestHead head = new ClientRequest { Target = ClientRequest.Admin + "/keys?" + signedQuery }.Sign();
        RequestHead replayed = head with { Target = Harness.Target(ClientRequest.Admin + "/keys?" + replayedQuery) };
        SigV4Verifier verifier = Harness.Verifier();

        Harness.AssertAccepted(verifier.Judge(head));
        Harness.AssertRefused(verifier.Judge(replayed), "SignatureDoesNotMatch", 403);
    }

    /// <summary>A signer that encodes twice has signed the S3 form of another name: only the target rules can tell.</summary>
    [Theory]
    [InlineData("/keys/a%20b", "/keys/a%2520b", "")]
    [InlineData("/keys?marker=a%20b", "/keys", "marker=a%2520b")]
    [Trait("Case", "56")]
    public void SignatureEncodedTwice_LeadsNowhere(string sent, string signedPath, string signedQuery)
    {
        RequestHead head = new ClientRequest
        {
            Target = ClientRequest.Admin + sent,
            SignedPath = ClientRequest.Admin + signedPath,
            SignedQuery = signedQuery,
        }.Sign();
        RequestTarget replayed = Harness.Target(ClientRequest.Admin + signedPath + (signedQuery.Length == 0 ? "" : "?" + signedQuery));

        Harness.AssertRefused(Harness.Verifier().Judge(head), "SignatureDoesNotMatch", 403);
        Harness.AssertAccepted(Harness.Verifier().Judge(head with { Target = replayed }));
        Assert.False(RequestTargetRules.TryRead(replayed, out _, out AuthFailure? failure));
        Assert.Equal(400, failure.Status);
    }

    /// <summary>curl 7.88 signs what it sends, byte for byte.</summary>
    [Theory]
    [InlineData("app%2dkey", "")]
    [InlineData("app%2Dkey", "b=2&a=1")]
    [InlineData("app:key", "a&b=&c")]
    public void TargetSignedAsSent_IsAcceptedForItselfAlone(string name, string query)
    {
        string target = Keys + name + (query.Length == 0 ? "" : "?" + query);
        RequestHead head = new ClientRequest { Target = target, SignedPath = Keys + name, SignedQuery = query }.Sign();

        Harness.AssertAccepted(Harness.Verifier().Judge(head));
        Harness.AssertRefused(Harness.Verifier().Judge(head with { Target = Harness.Target(target + "x") }), "SignatureDoesNotMatch", 403);
    }

    [Theory]
    [InlineData("marker=a%2Bb", true)]
    [InlineData("marker=a+b", true)]
    [InlineData("marker=a%20b", false)]
    [Trait("Case", "57")]
    public void RawPlus_IsAPlusUnderTheSignatureAndRefusedByTheRules(string signedQuery, bool isAccepted)
    {
        RequestHead head = new ClientRequest { Target = ClientRequest.Admin + "/keys?marker=a+b", SignedQuery = signedQuery }.Sign();

        Assert.Equal(isAccepted, Harness.Verifier().Judge(head).Failure is null);
        Assert.False(RequestTargetRules.TryRead(head.Target, out _, out _));
    }

    [Fact]
    [Trait("Case", "58")]
    public void OrderOfRepeatedNames_IsNotCoveredAndRefusedByTheRules()
    {
        RequestHead head = new ClientRequest { Target = ClientRequest.Admin + "/keys?keyId=a&keyId=b" }.Sign();
        RequestTarget swapped = Harness.Target(ClientRequest.Admin + "/keys?keyId=b&keyId=a");

        Harness.AssertAccepted(Harness.Verifier().Judge(head with { Target = swapped }));
        Assert.False(RequestTargetRules.TryRead(head.Target, out _, out _));
        Assert.False(RequestTargetRules.TryRead(swapped, out _, out _));
    }

    [Theory]
    [InlineData("/keys/%zz")]
    [InlineData("/keys/a%2")]
    [InlineData("/keys/a%")]
    [InlineData("/keys?marker=%zz")]
    [InlineData("/keys?%+1=a")]
    [Trait("Case", "59")]
    public void InvalidEscape_IsRefusedEvenWhenSignedAsSent(string target)
    {
        string[] parts = target.Split('?');
        ClientRequest client = new()
        {
            Target = ClientRequest.Admin + target,
            SignedPath = ClientRequest.Admin + parts[0],
            SignedQuery = parts.Length > 1 ? parts[1] : "",
        };

        Harness.AssertRefused(Harness.Verifier().Judge(client.Sign()), "InvalidURI", 400);
    }
}
