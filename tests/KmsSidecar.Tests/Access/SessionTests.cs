using System.Text;
using CsCheck;
using KmsSidecar.Access;
using KmsSidecar.Access.Sessions;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Tests.Auth;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Access;

/// <summary>Temporary credentials: what they are good for, and how they end.</summary>
public sealed class SessionTests : IDisposable
{
    /// <summary>RustFS's own, signed with the secret of the root credentials here.</summary>
    private const string RustfsToken = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJwYXJlbnQiOiJydXN0ZnNhZG1pbiIsImV4cCI6MTc2NzMzMDI0NX0"
        + ".sGr_ch0V0RdfFTkBsy0y9fy6EerggJUDY0mZU1D6bfBsUmOjTfo-4YcDZqCbTgu94VygMk4lwIefxUCxt3AgTA";

    private static readonly Principal Root = new(Harness.AccessKey, IsOwner: true);

    private readonly TempDirectory _directory = new();
    private readonly People _people;

    public SessionTests()
    {
        _people = new People(_directory.FullPath);
    }

    [Fact]
    [Trait("Case", "21")]
    public void IssuedCredentials_AreAccepted()
    {
        (string accessKey, string secret, string token) = _people.Assume(_people.Add("ann", "ann-secret").Principal);

        Verdict verdict = _people.Ask(accessKey, secret, token);

        Harness.AssertAccepted(verdict);
        Assert.Equal(("ann", accessKey), (verdict.Caller!.Principal.Name, verdict.Caller.AccessKey));
        Assert.IsType<SessionPrincipal>(verdict.Caller.Principal);
    }

    [Fact]
    [Trait("Case", "61")]
    public void TemporaryKeyWithoutItsToken_IsRefused()
    {
        (string accessKey, string secret, _) = _people.Assume(Root);

        Harness.AssertRefused(_people.Ask(accessKey, secret), "AccessDenied", 403);
    }

    [Fact]
    [Trait("Case", "61")]
    public void TokenOfAnotherSession_IsRefused()
    {
        (string accessKey, string secret, _) = _people.Assume(Root);

        Harness.AssertRefused(_people.Ask(accessKey, secret, _people.Assume(Root).Token), "InvalidToken", 400);
    }

    [Fact]
    [Trait("Case", "61")]
    public void TokenWithOneBitChanged_IsRefused()
    {
        (string accessKey, string secret, string token) = _people.Assume(Root);

        Gen.Select(Gen.Int[0, token.Length - 1], Gen.Int[0, 6]).Sample(
            (at, bit) =>
            {
                char[] changed = token.ToCharArray();
                changed[at] = (char)(changed[at] ^ (1 << bit));
                if (changed[at] is > ' ' and < '\x7f')
                {
                    Harness.AssertRefused(_people.Ask(accessKey, secret, new string(changed)), "InvalidToken", 400);
                }
            },
            iter: 300,
            threads: 1);
    }

    [Theory]
    [InlineData(900)]
    [InlineData(43200)]
    [Trait("Case", "61")]
    public void Session_ExpiresToTheSecond(int seconds)
    {
        (string accessKey, string secret, string token) = _people.Assume(Root, seconds);
        _people.Clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        Harness.AssertAccepted(_people.Ask(accessKey, secret, token));
        _people.Clock.Advance(TimeSpan.FromSeconds(1));

        Harness.AssertRefused(_people.Ask(accessKey, secret, token), "ExpiredToken", 400);
        Harness.AssertRefused(_people.Ask(accessKey, "another secret", token), "SignatureDoesNotMatch", 403);
    }

    [Theory]
    [InlineData(RustfsToken)]
    [InlineData("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJwYXJlbnQiOiJydXN0ZnNhZG1pbiIsImV4cCI6NDEwMjQ0NDgwMH0.")]
    [InlineData("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJwYXJlbnQiOiJydXN0ZnNhZG1pbiJ9.5mhBHqs5_DTLdINd9p5m7ZJ6XD0Xc55kIaCRY5r6HRA")]
    [InlineData("x")]
    [InlineData("=")]
    [Trait("Case", "62")]
    [Trait("Case", "63")]
    public void TokenThatWasNotIssuedHere_IsRefused(string token)
    {
        (string accessKey, string secret, _) = _people.Assume(Root);

        Verdict permanent = _people.Ask(Harness.AccessKey, Harness.SecretKey, token);
        Verdict temporary = _people.Ask(accessKey, secret, token);

        Harness.AssertRefused(permanent, "InvalidToken", 400);
        Assert.Contains("issued by this service", permanent.Failure!.Message, StringComparison.Ordinal);
        Harness.AssertRefused(temporary, "InvalidToken", 400);
        Assert.Contains("issued by this service", temporary.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Case", "63")]
    public void TokenAsBearer_IsRefused()
    {
        string token = _people.Assume(Root).Token;
        RequestHead head = new ClientRequest().Sign().With("Authorization", $"Bearer {token}");

        Harness.AssertRefused(_people.Verifier.Judge(head), "InvalidRequest", 400);
    }

    [Fact]
    [Trait("Case", "60")]
    public void TokenWithThePermanentKeyOfItsUser_IsRefused()
    {
        string token = _people.Assume(_people.Add("ann", "ann-secret").Principal).Token;

        Harness.AssertRefused(_people.Ask("ann", "ann-secret", token), "InvalidToken", 400);
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("disabled")]
    [InlineData("another secret")]
    public void Session_EndsWithItsUser(string change)
    {
        (string accessKey, string secret, string token) = _people.Assume(_people.Add("ann", "ann-secret").Principal);
        Harness.AssertAccepted(_people.Ask(accessKey, secret, token));
        switch (change)
        {
            case "deleted":
                _people.Administration.DeleteUser("ann", "test", "here");
                break;
            case "disabled":
                _people.Change("ann", isEnabled: false);
                break;
            default:
                _people.Change("ann", secret: "another-secret");
                break;
        }

        Harness.AssertRefused(_people.Ask(accessKey, secret, token), "InvalidToken", 400);
        Harness.AssertRefused(_people.Ask(accessKey, "another secret", token), "SignatureDoesNotMatch", 403);
        if (change == "deleted")
        {
            _people.Add("ann", "somebody else of that name");
            Harness.AssertRefused(_people.Ask(accessKey, secret, token), "InvalidToken", 400);
        }
    }

    [Fact]
    public void Session_CannotStartAnother()
    {
        SessionPrincipal session = new(Harness.AccessKey, Policy: null);

        Assert.Equal(KmsError.Forbidden, Assert.Throws<KmsException>(() => _people.Assume(session)).Error);
    }

    [Fact]
    public void Session_OutlastsARestart_ButNotAnotherMasterKey()
    {
        (string accessKey, string secret, string token) = _people.Assume(Root);
        using TempDirectory elsewhere = new();
        using People restarted = new(_directory.FullPath);
        using People other = new(elsewhere.FullPath);

        Harness.AssertAccepted(restarted.Ask(accessKey, secret, token));
        Harness.AssertRefused(other.Ask(accessKey, secret, token), "InvalidToken", 400);
    }

    [Fact]
    public void Rights_AreThoseOfTheUserAndOfTheSession()
    {
        Principal ann = _people.Add("ann", "ann-secret", true, "KMSKeyAdministrator").Principal;
        const string Describe = """{"Statement":{"Effect":"Allow","Action":["kms:DescribeKey","kms:Configure"]}}""";

        Assert.Equal((true, true), (Allows(ann, "", "kms:DescribeKey"), Allows(ann, "", "kms:RotateKey")));
        Assert.Equal((true, false, false), (Allows(ann, Describe, "kms:DescribeKey"), Allows(ann, Describe, "kms:RotateKey"), Allows(ann, Describe, "kms:Configure")));
        _people.Change("ann", policies: []);
        Assert.False(Allows(ann, "", "kms:DescribeKey"));
    }

    [Fact]
    public void SessionOfRoot_MayDoEverythingButManageUsers()
    {
        Authorizer authorizer = new(_people.Accounts, LegacyServerInfo.Full);

        Assert.True(Allows(Root, "", "kms:Configure"));
        Assert.True(authorizer.IsOwner(Root));
        Assert.False(authorizer.IsOwner(new SessionPrincipal(Harness.AccessKey, Policy: null)));
    }

    [Fact]
    public void Claims_ReadBackAsTheyWereSealed()
    {
        SessionClaims claims = _people.Issuer.Issue(Root, TimeSpan.FromSeconds(900), """{"Statement":{"Effect":"Deny","Action":"kms:*"}}"""u8.ToArray(), "here");

        Assert.True(_people.Keys.TryOpen(_people.Keys.Seal(claims), out SessionClaims? opened));
        Assert.Equal((claims.AccessKey, claims.Parent, claims.IssuedAt, claims.ExpiresAt), (opened.AccessKey, opened.Parent, opened.IssuedAt, opened.ExpiresAt));
        Assert.Equal(claims.ParentBinding.ToArray(), opened.ParentBinding.ToArray());
        Assert.Equal(claims.Policy.ToArray(), opened.Policy.ToArray());
        Assert.True(SessionKeys.IsTemporary(claims.AccessKey));
        Assert.DoesNotContain(Harness.SecretKey + "\"", Encoding.ASCII.GetString(claims.Encode()), StringComparison.Ordinal);
    }

    [Fact]
    public void SessionPolicyThatCannotBeRead_StartsNoSession() =>
        Assert.Equal(KmsError.MalformedRequest, Assert.Throws<KmsException>(() => _people.Assume(Root, policy: "{}")).Error);

    public void Dispose()
    {
        _people.Dispose();
        _directory.Dispose();
    }

    private bool Allows(Principal user, string policy, string action)
    {
        (string accessKey, string secret, string token) = _people.Assume(user, policy: policy);
        Principal session = _people.Ask(accessKey, secret, token).Caller!.Principal;
        return new Authorizer(_people.Accounts, LegacyServerInfo.Full)
            .Judge(session, new AccessRequest { Action = action, UserName = user.Name, Time = _people.Clock.GetUtcNow() }).IsAllowed;
    }
}
