using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Users and policies over the admin API, and what they then may do.</summary>
public sealed class UserRoutesTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const string Denied = "Access Denied";

    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task User_IsMadeListedChangedAndDeleted()
    {
        Answer made = (await _host.Admin.PostAsync($"{Kms}/users", """{"access_key":"life","policies":["KMSAuditor"]}""")).Expect(200);
        string secret = made["secret_key"]!;
        Assert.Equal(40, secret.Length);
        using ApiClient first = Client("life", secret);
        (await first.GetAsync($"{Kms}/keys")).Expect(200);

        Answer described = (await _host.Admin.GetAsync($"{Kms}/users/life")).Expect(200);
        Assert.DoesNotContain(secret, described.Text, StringComparison.Ordinal);
        Assert.Equal("""{"access_key":"life","status":"enabled","policies":["KMSAuditor"],"source":"api"}""", described.Json.GetProperty("user").ToString());
        Assert.Contains("\"life\"", (await _host.Admin.GetAsync($"{Kms}/users")).Expect(200).Text, StringComparison.Ordinal);

        Answer changed = (await _host.Admin.PostAsync($"{Kms}/users/update", """{"access_key":"life","secret_key":"chosen-secret"}""")).Expect(200);
        Assert.DoesNotContain("chosen-secret", changed.Text, StringComparison.Ordinal);
        (await first.GetAsync($"{Kms}/keys")).Expect(403);
        using ApiClient second = Client("life", "chosen-secret");
        (await second.GetAsync($"{Kms}/keys")).Expect(200);

        (await _host.Admin.SendAsync("DELETE", $"{Kms}/users/life")).Expect(200);
        (await second.GetAsync($"{Kms}/keys")).ExpectXml(
            403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.");
        (await _host.Admin.SendAsync("DELETE", $"{Kms}/users/life")).ExpectFailure(404, "UserNotFound", "there is no such user");
        (await _host.Admin.GetAsync($"{Kms}/users/life")).ExpectFailure(404, "UserNotFound", "there is no such user");
    }

    [Fact]
    public async Task UserNamedAsARoute_IsReachable()
    {
        await MakeAsync("update", "update-secret");

        Assert.Contains("\"update\"", (await _host.Admin.GetAsync($"{Kms}/users/update")).Expect(200).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/users", """{"access_key":"evil","secret_key":"evil-secret","policies":["consoleAdmin"]}""")]
    [InlineData("POST", "/users/update", """{"access_key":"climber","policies":["consoleAdmin"]}""")]
    [InlineData("GET", "/users", null)]
    [InlineData("GET", "/users/climber", null)]
    [InlineData("DELETE", "/users/climber", null)]
    [InlineData("GET", "/policies", null)]
    [InlineData("GET", "/policies/everything", null)]
    [InlineData("PUT", "/policies/everything", """{"Statement":{"Effect":"Allow","Action":"kms:*"}}""")]
    [InlineData("DELETE", "/policies/everything", null)]
    public async Task UserWithEveryAction_CannotManageAccess(string method, string route, string? body)
    {
        await PutPolicyAsync("everything", """{"Statement":[{"Effect":"Allow","Action":"kms:*"},{"Effect":"Allow","Action":"admin:*"}]}""");
        await MakeAsync("climber", "climber-secret", "everything", "consoleAdmin");
        using ApiClient climber = Client("climber", "climber-secret");

        (await climber.GetAsync($"{Kms}/config")).Expect(200);
        (await climber.SendAsync(method, $"{Kms}{route}", body)).ExpectXml(403, "AccessDenied", Denied);
        (await _host.Tcp.GetAsync($"{Kms}/users/evil")).Expect(404);
    }

    [Fact]
    [Trait("Case", "64")]
    public async Task DisabledUser_Is403_AndAStrangerLearnsNothing()
    {
        await MakeAsync("off", "off-secret", "KMSAuditor");
        (await _host.Tcp.PostAsync($"{Kms}/users/update", """{"access_key":"off","status":"disabled"}""")).Expect(200);
        using ApiClient right = Client("off", "off-secret");
        using ApiClient wrong = Client("off", "guess");

        (await right.GetAsync($"{Kms}/keys")).ExpectXml(403, "AccessDenied", "Access Denied: this user is disabled.");
        Assert.Contains("SignatureDoesNotMatch", (await wrong.GetAsync($"{Kms}/keys")).Expect(403).Text, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Case", "67")]
    [Trait("Case", "68")]
    [Trait("Case", "69")]
    public async Task Rights_AreThoseOfThePolicies()
    {
        await PutPolicyAsync("control", """{"Statement":{"Effect":"Allow","Action":"kms:ServiceControl"}}""");
        await PutPolicyAsync("s3", """{"Statement":[{"Effect":"Allow","Action":"*"},{"Effect":"Allow","Action":"s3:*"}]}""");
        await MakeAsync("control", "control-secret", "control");
        await MakeAsync("nobody", "nobody-secret");
        await MakeAsync("storage", "storage-secret", "s3");
        using ApiClient control = Client("control", "control-secret");
        using ApiClient nobody = Client("nobody", "nobody-secret");
        using ApiClient storage = Client("storage", "storage-secret");

        (await control.GetAsync($"{Kms}/status")).Expect(200);
        (await control.GetAsync($"{Kms}/keys")).ExpectXml(403, "AccessDenied", Denied);
        foreach (string route in (string[])["status", "config", "keys", "keys/master", "describe-key?keyId=master"])
        {
            (await nobody.GetAsync($"{Kms}/{route}")).ExpectXml(403, "AccessDenied", Denied);
            (await storage.GetAsync($"{Kms}/{route}")).ExpectXml(403, "AccessDenied", Denied);
        }
    }

    [Fact]
    [Trait("Case", "71")]
    public async Task DenyOfOneKey_WinsOverAllowOfAll()
    {
        await PutPolicyAsync(
            "all-but-other",
            """{"Statement":[{"Effect":"Allow","Action":"kms:*"},{"Effect":"Deny","Action":"kms:*","Resource":"arn:aws:kms:::key/other"}]}""");
        await MakeAsync("most", "most-secret", "all-but-other");
        using ApiClient most = Client("most", "most-secret");
        foreach (string key in (string[])["other", "third"])
        {
            await _host.Admin.PostAsync($"{Kms}/keys", $$"""{"key_name":"{{key}}"}""");
        }

        (await most.GetAsync($"{Kms}/keys/other")).ExpectXml(403, "AccessDenied", Denied);
        (await most.GetAsync($"{Kms}/describe-key?keyId=other")).ExpectXml(403, "AccessDenied", Denied);
        (await most.PostAsync($"{Kms}/generate-data-key", """{"key_id":"other"}""")).ExpectXml(403, "AccessDenied", Denied);
        (await most.GetAsync($"{Kms}/keys/third")).Expect(200);
    }

    [Fact]
    [Trait("Case", "75")]
    public async Task CannedPolicies_HaveTheirLimits()
    {
        await MakeAsync("keyadmin", "keyadmin-secret", "KMSKeyAdministrator");
        await MakeAsync("auditor", "auditor-secret", "KMSAuditor");
        using ApiClient keyAdmin = Client("keyadmin", "keyadmin-secret");
        using ApiClient auditor = Client("auditor", "auditor-secret");

        (await keyAdmin.PostAsync($"{Kms}/generate-data-key", """{"key_id":"master"}""")).ExpectXml(403, "AccessDenied", Denied);
        (await keyAdmin.GetAsync($"{Kms}/config")).ExpectXml(403, "AccessDenied", Denied);
        (await auditor.PostAsync($"{Kms}/keys", """{"key_name":"mine"}""")).ExpectXml(403, "AccessDenied", Denied);
        (await auditor.GetAsync($"{Kms}/keys/master")).Expect(200);
    }

    [Fact]
    public async Task Policy_IsStoredShownAndDeleted()
    {
        (await _host.Admin.SendAsync("PUT", $"{Kms}/policies/shown", """{"Statement":{"Effect":"Allow","Action":"kms:ListKeys"}}""")).Expect(200);
        Answer shown = (await _host.Admin.GetAsync($"{Kms}/policies/shown")).Expect(200);
        Assert.Equal("kms:ListKeys", shown.Json.GetProperty("policy").GetProperty("Statement")[0].GetProperty("Action")[0].GetString());
        string list = (await _host.Admin.GetAsync($"{Kms}/policies")).Expect(200).Text;
        Assert.Contains("""{"name":"shown","source":"api"}""", list, StringComparison.Ordinal);
        Assert.Contains("""{"name":"KMSAuditor","source":"built-in"}""", list, StringComparison.Ordinal);

        await MakeAsync("holder", "holder-secret", "shown");
        (await _host.Admin.SendAsync("DELETE", $"{Kms}/policies/shown")).ExpectFailure(
            409, "PolicyInUse", "the policy is attached to the user 'holder'; detach it first");
        (await _host.Admin.PostAsync($"{Kms}/users/update", """{"access_key":"holder","policies":[]}""")).Expect(200);
        (await _host.Admin.SendAsync("DELETE", $"{Kms}/policies/shown")).Expect(200);
        (await _host.Admin.GetAsync($"{Kms}/policies/shown")).ExpectFailure(404, "PolicyNotFound", "there is no such policy");
    }

    [Theory]
    [InlineData("""{"secret_key":"hush-hush"}""", "member 'access_key' is missing")]
    [InlineData("""{"access_key":"x y","secret_key":"hush-hush"}""", "member 'access_key' cannot be used: the access key is not 3 to 128")]
    [InlineData("""{"access_key":"fine","secret_key":""}""", "member 'secret_key' cannot be used: the secret key is not 1 to 256 bytes long")]
    [InlineData("""{"access_key":"fine","secret_key":"hush-hush","generate_secret_key":true}""", "exclude each other")]
    [InlineData("""{"access_key":"fine","secret_key":"hush-hush","owner":true}""", "member 'owner' is unknown")]
    public async Task FaultyUser_IsRefusedWithThePlace(string body, string place)
    {
        foreach (string route in (string[])["users", "users/update"])
        {
            Answer refused = (await _host.Admin.PostAsync($"{Kms}/{route}", body)).Expect(400);
            Assert.Contains(place, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("hush", refused.Text, StringComparison.Ordinal);
        }
    }

    private ApiClient Client(string accessKey, string secret) => ApiClient.OverTcp(_host.Address, (accessKey, secret));

    private async Task PutPolicyAsync(string name, string policy) => (await _host.Admin.SendAsync("PUT", $"{Kms}/policies/{name}", policy)).Expect(200);

    /// <summary>Makes the user, or gives the one that another test has made these things.</summary>
    private async Task MakeAsync(string accessKey, string secret, params string[] policies)
    {
        string body = $$"""{"access_key":"{{accessKey}}","secret_key":"{{secret}}","policies":[{{string.Join(',', policies.Select(static policy => $"\"{policy}\""))}}]}""";
        if ((await _host.Tcp.PostAsync($"{Kms}/users", body)).Status != 200)
        {
            (await _host.Tcp.PostAsync($"{Kms}/users/update", body)).Expect(200);
        }
    }
}
