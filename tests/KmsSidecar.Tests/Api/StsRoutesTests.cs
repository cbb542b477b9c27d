using System.Net;
using System.Xml.Linq;
using KmsSidecar.Auth;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Temporary credentials over the STS form API, in its XML.</summary>
public sealed class StsRoutesTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const string Assume = "Action=AssumeRole&Version=2011-06-15";

    private static readonly XNamespace Sts = "https://sts.amazonaws.com/doc/2011-06-15/";

    private readonly TestHost _host = running.Host;

    [Fact]
    [Trait("Case", "21")]
    public async Task AssumedRole_WorksUntilItsUserIsGone()
    {
        await MakeAsync("sam");
        using ApiClient sam = Client("sam", "sam-secret");
        using ApiClient session = await AssumeAsync(sam, $"{Assume}&RoleArn=arn:aws:iam::000000000000:role/x&RoleSessionName=s1&DurationSeconds=900");

        (await session.GetAsync($"{Kms}/keys")).Expect(200);
        (await session.GetAsync($"{Kms}/config")).ExpectXml(403, "AccessDenied", "Access Denied");
        Answer identity = (await session.PostAsync("/", "Action=GetCallerIdentity&Version=2011-06-15")).Expect(200);
        Assert.Contains(":assumed-role/sam/ASIA", identity.Text, StringComparison.Ordinal);
        ExpectSts(await session.PostAsync("/", Assume), 403, "AccessDenied");

        (await _host.Admin.SendAsync("DELETE", $"{Kms}/users/sam")).Expect(200);
        Assert.Contains("<Code>InvalidToken</Code>", (await session.GetAsync($"{Kms}/keys")).Expect(400).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SessionPolicy_MustAllowToo()
    {
        using ApiClient session = await AssumeAsync(
            _host.Tcp, $"{Assume}&Policy={Uri.EscapeDataString("""{"Statement":{"Effect":"Allow","Action":"kms:ListKeys"}}""")}");

        (await session.GetAsync($"{Kms}/keys")).Expect(200);
        (await session.GetAsync($"{Kms}/status")).ExpectXml(403, "AccessDenied", "Access Denied");
    }

    [Fact]
    public async Task SessionOfRoot_DoesEverythingButManageUsers()
    {
        using ApiClient session = await AssumeAsync(_host.Tcp, Assume);

        (await session.GetAsync($"{Kms}/config")).Expect(200);
        (await session.GetAsync($"{Kms}/users")).ExpectXml(403, "AccessDenied", "Access Denied");
    }

    [Fact]
    public async Task DeniedAssumeRole_IsRefusedAndTheRestIsNot()
    {
        (await _host.Admin.SendAsync(
            "PUT", $"{Kms}/policies/no-sessions", """{"Statement":{"Effect":"Deny","Action":"sts:AssumeRole"}}""")).Expect(200);
        await MakeAsync("kim", "no-sessions");
        using ApiClient kim = Client("kim", "kim-secret");

        ExpectSts(await kim.PostAsync("/", Assume), 403, "AccessDenied");
        (await kim.GetAsync($"{Kms}/keys")).Expect(200);
    }

    [Fact]
    public async Task CallerIdentity_OfAPermanentKey()
    {
        Answer answer = (await _host.Tcp.PostAsync("/", "Action=GetCallerIdentity&Version=2011-06-15")).Expect(200);

        XElement result = XElement.Parse(answer.Text).Element(Sts + "GetCallerIdentityResult")!;
        Assert.Equal($"arn:aws:iam::000000000000:user/{AccessKey}", result.Element(Sts + "Arn")!.Value);
        Assert.Equal("text/xml", answer.Header("Content-Type"));
    }

    [Theory]
    [InlineData("", "MissingAction")]
    [InlineData("Action=Nothing", "InvalidAction")]
    [InlineData("Action=AssumeRole&Version=2010-01-01", "InvalidParameterValue")]
    [InlineData(Assume + "&DurationSeconds=899", "ValidationError")]
    [InlineData(Assume + "&DurationSeconds=43201", "ValidationError")]
    [InlineData(Assume + "&DurationSeconds=x", "ValidationError")]
    [InlineData(Assume + "&Policy=%7B", "MalformedPolicyDocument")]
    [InlineData(Assume + "&PolicyArns.member.1.arn=a", "ValidationError")]
    [InlineData(Assume + "&RoleSessionName=%3Cx%3E", "ValidationError")]
    [InlineData(Assume + "&Action=AssumeRole", "ValidationError")]
    [InlineData(Assume + "&Policy=%zz", "ValidationError")]
    [InlineData(Assume + "&Policy=%ff", "ValidationError")]
    public async Task FaultyForm_IsRefused(string form, string code) => ExpectSts(await _host.Tcp.PostAsync("/", form), 400, code);

    [Fact]
    public async Task LongPolicyAndLongForm_AreRefused()
    {
        ExpectSts(await _host.Tcp.PostAsync("/", $"{Assume}&Policy={new string('a', 2049)}"), 400, "ValidationError");
        ExpectSts(await _host.Tcp.PostAsync("/", $"{Assume}&Policy={new string('a', 8200)}"), 413, "RequestTooLarge");
    }

    [Fact]
    public async Task UnsignedForm_IsRefusedInStsForm()
    {
        using ApiClient stranger = ApiClient.OverTcp(_host.Address, credentials: null);
        using ApiClient wrong = Client(AccessKey, "wrong");

        ExpectSts(await stranger.PostAsync("/", Assume), 403, "AccessDenied");
        ExpectSts(await wrong.PostAsync("/", Assume), 403, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task GuessesAtOneKey_AreSlowedDown_AndOthersAreNot()
    {
        await MakeAsync("guessed");
        await MakeAsync("bystander");
        using ApiClient wrong = Client("guessed", "guess");
        using ApiClient right = Client("guessed", "guessed-secret");
        using ApiClient bystander = Client("bystander", "bystander-secret");
        for (int i = 0; i <= FailureLimits.KeyBurst; i++)
        {
            await wrong.GetAsync($"{Kms}/keys");
        }

        Answer slowed = (await right.GetAsync($"{Kms}/keys")).ExpectXml(
            503, "SlowDown", "Too many requests of this access key or address have failed. Please reduce your request rate.");
        Assert.NotNull(slowed.Header("Retry-After"));
        (await bystander.GetAsync($"{Kms}/keys")).Expect(200);
        (await _host.Tcp.GetAsync($"{Kms}/keys")).Expect(200);
    }

    private static void ExpectSts(Answer answer, int status, string code)
    {
        answer.Expect(status);
        XElement error = XElement.Parse(answer.Text);
        Assert.Equal(Sts + "ErrorResponse", error.Name);
        Assert.Equal(code, error.Element(Sts + "Error")!.Element(Sts + "Code")!.Value);
        Assert.Equal(answer.Header("x-request-id"), error.Element(Sts + "RequestId")!.Value);
    }

    private ApiClient Client(string accessKey, string secret) => ApiClient.OverTcp(_host.Address, (accessKey, secret));

    private async Task<ApiClient> AssumeAsync(ApiClient caller, string form)
    {
        Answer answer = (await caller.PostAsync("/", form)).Expect((int)HttpStatusCode.OK);
        XElement credentials = XElement.Parse(answer.Text).Element(Sts + "AssumeRoleResult")!.Element(Sts + "Credentials")!;
        string Of(string name) => credentials.Element(Sts + name)!.Value;
        return ApiClient.OverTcp(_host.Address, (Of("AccessKeyId"), Of("SecretAccessKey")), Of("SessionToken"));
    }

    private async Task MakeAsync(string name, string? extraPolicy = null) => (await _host.Admin.PostAsync(
        $"{Kms}/users",
        $$"""{"access_key":"{{name}}","secret_key":"{{name}}-secret","policies":["KMSAuditor"{{(extraPolicy is null ? "" : $",\"{extraPolicy}\"")}}]}""")).Expect(200);
}
