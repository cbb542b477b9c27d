using System.Text.Json;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Access;

/// <summary><c>POST policies/check</c>.</summary>
public sealed class PolicyCheckRouteTests(PolicyCheckRouteTests.Daemon daemon) : IClassFixture<PolicyCheckRouteTests.Daemon>
{
    [Theory]
    [InlineData(true, "kms:Decrypt on key 'app' is allowed by Statement[0] of policy 'KMSKeyUser'", "alice", "kms:Decrypt", "app")]
    [InlineData(true, "kms:Decrypt on key 'app' is allowed by Statement[0] of policy 'KMSKeyUser'", "alice", "kms:Decrypt", "arn:aws:kms:::key/app")]
    [InlineData(false, "kms:Decrypt on key 'pay-1' is denied by Statement[0] ('no pay') of policy 'test'", "alice", "kms:Decrypt", "alias/pay-1")]
    [InlineData(false, "kms:RotateKey is not allowed: no statement of the policies of 'alice' allows it", "alice", "kms:RotateKey", null)]
    [InlineData(true, "kms:Backup is allowed: 'root' is the owner, for whom policies do not count", "root", "kms:Backup", null)]
    [InlineData(true, "kms:Configure is allowed by Statement[0] of policy 'test', through admin:ServerInfo", "monitor", "kms:Configure", null)]
    [InlineData(false, "kms:Decrypt on key 'app' is not allowed: no statement of the session policy allows it", "session", "kms:Decrypt", "app")]
    public async Task TheAnswer_NamesTheStatement(bool allowed, string sentence, string user, string action, string? resource)
    {
        Answer answer = (await AskAsync(new { user, action, resource })).Expect(200);

        Assert.Equal((allowed, sentence), (answer.Json.GetProperty("allowed").GetBoolean(), answer.Message));
    }

    [Theory]
    [InlineData("192.0.2.1", "2026-01-31T00:00:00Z", true)]
    [InlineData("::ffff:192.0.2.1", "2026-01-31", true)]
    [InlineData("192.0.2.1", "2026-07-01", false)]
    [InlineData("203.0.113.1", "2026-01-31", false)]
    [InlineData(null, "2026-01-31", false)]
    public async Task Circumstances_AreThoseOfTheQuestion(string? source, string time, bool allowed)
    {
        Answer answer = (await AskAsync(new { user = "alice", action = "kms:ListKeys", source_ip = source, time })).Expect(200);

        Assert.Equal(allowed, answer.Json.GetProperty("allowed").GetBoolean());
    }

    [Fact]
    public async Task TheAnswer_HasTheDecisionInParts() => Assert.Equal(
        """{"success":true,"allowed":false,"message":"kms:Decrypt on key 'pay-1' is denied by Statement[0] ('no pay') of policy 'test'","policy":"test","statement":0,"sid":"no pay"}""",
        (await AskAsync(new { user = "alice", action = "kms:Decrypt", resource = "pay-1" })).Expect(200).Text);

    [Theory]
    [InlineData("""{"user":"alice","action":"kms:*"}""", "member 'action' is not the name of one action, such as kms:DescribeKey")]
    [InlineData("""{"user":"alice","action":"kms:Nope"}""", "member 'action' is not the name of one action, such as kms:DescribeKey")]
    [InlineData("""{"user":"alice","action":"kms:Decrypt","source_ip":"here"}""", "member 'source_ip' is not an address")]
    [InlineData("""{"user":"alice","action":"kms:Decrypt","time":"noon"}""", "member 'time' is not a time such as 2026-01-31T12:00:00Z")]
    [InlineData(
        """{"user":"alice","action":"kms:Decrypt","resource":"arn:aws:kms:::*"}""",
        "member 'resource' names no key: a key id or arn:aws:kms:::key/ID is expected")]
    [InlineData("""{"user":"alice"}""", "member 'action' is missing")]
    [InlineData("""{"action":"kms:Decrypt"}""", "member 'user' is missing")]
    [InlineData("""{"user":"alice","action":"kms:Decrypt","colour":1}""", "member 'colour' is unknown")]
    public async Task AWrongQuestion_Is400(string question, string message) =>
        (await daemon.Host.Admin.PostAsync($"{Kms}/policies/check", question)).ExpectFailure(400, "MalformedRequest", message);

    private Task<Answer> AskAsync(object question) => daemon.Host.Admin.PostAsync($"{Kms}/policies/check", JsonSerializer.Serialize(question));

    public sealed class Daemon : IAsyncLifetime
    {
        internal TestHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            NamedPolicy own = Policy(
                """{"Sid":"no pay","Effect":"Deny","Action":"kms:Decrypt","Resource":"arn:aws:kms:::key/pay-*"}""",
                """
                {"Effect":"Allow","Action":"kms:ListKeys","Condition":{
                  "IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"DateLessThan":{"aws:CurrentTime":"2026-06-30"}}}
                """);
            Host = await StartAsync(grants: new FixedGrants
            {
                ["alice"] = new Grants { Policies = [CannedPolicies.Find("KMSKeyUser")!, own] },
                ["monitor"] = new Grants { Policies = [Policy(Allow("admin:ServerInfo"))] },
                ["root"] = Grants.Owner,
                ["session"] = Grants.Owner with { SessionPolicy = Policy(Allow("kms:ListKeys")).Document },
            });
        }

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
