using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Tests.Auth;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Access;

/// <summary>What policies do to requests over TCP, on a running daemon.</summary>
public sealed class AuthorisationTests(AuthorisationTests.People people) : IClassFixture<AuthorisationTests.People>
{
    [Fact]
    [Trait("Case", "67")]
    public async Task AnAllowedAction_IsAnswered() =>
        (await As(Allow("kms:ServiceControl")).GetAsync($"{Kms}/status")).Expect(200);

    [Theory]
    [Trait("Case", "68")]
    [Trait("Case", "69")]
    [InlineData(null)]
    [InlineData("*")]
    [InlineData("s3:*")]
    public async Task WithoutKmsActions_EveryRouteIsRefused(string? action)
    {
        ApiClient client = action is null ? As() : As(Allow(action));
        string[] requests =
        [
            "GET status", "POST status", "GET service-status", "GET config", "GET config/history", "POST configure", "POST reconfigure",
            "POST rollback", "POST start", "POST stop", "POST clear-cache", "POST keys", "POST create-key", "POST key/create", "GET keys",
            "GET list-keys", "GET keys/key-a", "GET describe-key?keyId=key-a", "GET key/status?key=key-a", "POST generate-data-key",
            "POST policies/check",
        ];
        foreach (string[] request in requests.Select(static request => request.Split(' ')))
        {
            // Whatever else is wrong with the request is not told.
            Refused(await client.SendAsync(request[0], $"{Kms}/{request[1]}", "{"));
            Refused(await client.SendAsync(request[0], $"{Kms}/{request[1]}"));
        }
    }

    [Fact]
    [Trait("Case", "70")]
    public async Task AnAllowOnOneKey_IsForThatKeyAlone()
    {
        ApiClient client = As(Allow("kms:DescribeKey", "key/key-a"));

        (await client.GetAsync($"{Kms}/keys/key-a")).Expect(200);
        (await client.GetAsync($"{Kms}/describe-key?key-id=key-a")).Expect(200);
        Refused(await client.GetAsync($"{Kms}/keys/key-b"));
        Refused(await client.GetAsync($"{Kms}/describe-key?keyId=key-b&key=key-a"));
        Refused(await client.PostAsync($"{Kms}/generate-data-key", """{"key_id":"key-a"}"""));
    }

    [Fact]
    [Trait("Case", "71")]
    public async Task ADenyOnOneKey_LeavesTheOthers()
    {
        ApiClient client = As(Allow("kms:*", "*"), Deny("kms:*", "key/key-b"));

        Refused(await client.GetAsync($"{Kms}/keys/key-b"));
        (await client.GetAsync($"{Kms}/keys/key-a")).Expect(200);
        (await client.PostAsync($"{Kms}/generate-data-key", """{"key_id":"key-a"}""")).Expect(200);
    }

    [Theory]
    [InlineData("""{"key_id":"master"}""")]
    [InlineData("""{"key_id":"alias/master"}""")]
    [InlineData("""{"key_id":"arn:aws:kms:us-east-1:000000000000:key/master"}""")]
    [InlineData("""{"key_id":"arn:aws:kms:::alias/master"}""")]
    [InlineData("""{"key_id":"default"}""")]
    [InlineData("""{"key_id":"alias/default"}""")]
    [InlineData("""{"key_id":null}""")]
    [InlineData("""{"key\u005fid":"m\u0061ster"}""")]
    [InlineData("""{"encryption_context":{"key_id":"key-a"},"key_id":"master"}""")]
    [InlineData("""{"encryption_context":{"key_id":"key-a"}}""")]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData(null)]
    public async Task AKey_IsJudgedUnderEveryName(string? body)
    {
        Refused(await As(Allow("kms:*"), Deny("kms:GenerateDataKey", "key/master")).PostAsync($"{Kms}/generate-data-key", body));

        // Nor may the request be taken for one about no key, which this statement would cover.
        Refused(await As(Allow("kms:GenerateDataKey", "key/key-a")).PostAsync($"{Kms}/generate-data-key?keyId=key-a", body));
        (await As(Allow("kms:GenerateDataKey", "key/master")).PostAsync($"{Kms}/generate-data-key?keyId=key-a", body)).Expect(200);
    }

    [Fact]
    public async Task AnAllowOnTheDefaultKey_IsForRequestsThatNameNone()
    {
        ApiClient client = As(Allow("kms:GenerateDataKey", "key/master"));

        Assert.Equal("master", (await client.PostAsync($"{Kms}/generate-data-key", "{}")).Expect(200)["key_id"]);
        Refused(await client.PostAsync($"{Kms}/generate-data-key", """{"key_id":"key-a"}"""));
    }

    [Fact]
    [Trait("Case", "72")]
    public async Task TheBody_WinsOverTheQuery()
    {
        Refused(await As(Allow("kms:GenerateDataKey", "key/key-b")).PostAsync($"{Kms}/generate-data-key?keyId=key-b", """{"key_id":"key-a"}"""));
        (await As(Allow("kms:GenerateDataKey", "key/key-a")).PostAsync($"{Kms}/generate-data-key?keyId=key-b", """{"key_id":"key-a"}""")).Expect(200);
    }

    [Theory]
    [Trait("Case", "73")]
    [InlineData("""{"key_id":"key-a","key_id":"key-b"}""", "member 'key_id' is given twice")]
    [InlineData("""{"key_id":"key-b","key_id":"key-a"}""", "member 'key_id' is given twice")]
    [InlineData("""{"key_id":"key-a","key\u005fid":"key-b"}""", "member 'key_id' is given twice")]
    [InlineData("""{"key_id":["key-b"]}""", "member 'key_id' must be a string, not an array")]
    [InlineData("""{"key_id":"key-a"}{"key_id":"key-b"}""", "malformed JSON at line 1, column 19")]
    [InlineData("""{"key_id":"\ud800"}""", "a string is not valid Unicode")]
    public async Task AKeyThatCannotBeTold_IsA400_AndNothingIsDone(string body, string message) => Assert.Equal(
        message,
        (await As(Allow("kms:GenerateDataKey", "key/key-a")).PostAsync($"{Kms}/generate-data-key", body))
            .ExpectFailure(400, "MalformedRequest", message).Message);

    [Fact]
    public async Task AnUnreadableQuery_IsToldToThoseWhoMayAsk()
    {
        const string Twice = $"{Kms}/describe-key?keyId=key-a&keyId=key-b";

        Refused(await As().GetAsync(Twice));
        (await As(Allow("kms:DescribeKey", "key/key-a")).GetAsync(Twice)).Expect(400);
    }

    [Theory]
    [Trait("Case", "75")]
    [InlineData("KMSKeyAdministrator", "POST generate-data-key", "GET config", "POST keys", "GET status")]
    [InlineData("KMSAuditor", "POST generate-data-key", "GET config", "POST start")]
    [InlineData("KMSKeyUser", "GET keys", "GET config", "POST stop")]
    public async Task CannedPolicies_RefuseOverHttp(string name, params string[] requests)
    {
        ApiClient client = people.Client(new Grants { Policies = [CannedPolicies.Find(name)!] });

        (await client.GetAsync($"{Kms}/keys/key-a")).Expect(200);
        foreach (string[] request in requests.Select(static request => request.Split(' ')))
        {
            Refused(await client.SendAsync(request[0], $"{Kms}/{request[1]}"));
        }
    }

    [Fact]
    [Trait("Case", "77")]
    public async Task TheOwner_IsNotDenied() => (await people
        .Client(new Grants { IsOwner = true, Policies = [Policy(Deny("kms:*"))] })
        .GetAsync($"{Kms}/status")).Expect(200);

    [Fact]
    public async Task AccessIsManaged_ByOwnersAlone()
    {
        const string Question = """{"user":"nobody","action":"kms:Decrypt"}""";
        PolicyDocument everything = Policy(Allow("kms:*")).Document;

        Refused(await As(Allow("kms:*"), Allow("admin:*")).PostAsync($"{Kms}/policies/check", Question));
        Refused(await people.Client(Grants.Owner with { SessionPolicy = everything }).PostAsync($"{Kms}/policies/check", Question));
        (await people.Client(Grants.Owner).PostAsync($"{Kms}/policies/check", Question)).ExpectFailure(404, "UserNotFound", "there is no such user");
    }

    [Fact]
    public async Task TheSourceAddress_IsThatOfTheConnection()
    {
        const string Statement = """{"Effect":"Allow","Action":"kms:*","Condition":{"IpAddress":{"aws:SourceIp":"NETWORK"}}}""";

        (await As(Statement.Replace("NETWORK", "127.0.0.0/8")).GetAsync($"{Kms}/status")).Expect(200);
        Refused(await As(Statement.Replace("NETWORK", "192.0.2.0/24")).GetAsync($"{Kms}/status"));
    }

    [Fact]
    public async Task WhatIsNotAuthenticated_IsNotAuthorised()
    {
        using ApiClient stranger = ApiClient.OverTcp(people.Host.Address, ("stranger", "a-secret-of-nobody"));

        (await stranger.GetAsync($"{Kms}/status")).ExpectXml(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.");
        (await stranger.GetAsync("/livez")).Expect(200);
    }

    private ApiClient As(params string[] statements) =>
        people.Client(statements.Length == 0 ? Grants.None : new Grants { Policies = [Policy(statements)] });

    private static void Refused(Answer answer) => answer.ExpectXml(403, "AccessDenied", "Access Denied");

    /// <summary>A running daemon with keys master (the default), key-a and key-b, and a user whose grants a test chooses.</summary>
    public sealed class People : IAsyncLifetime
    {
        private const string User = "alice";
        private const string Secret = "a-secret-of-alice";

        private readonly FixedGrants _grants = new();
        private ApiClient? _client;

        internal TestHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Host = await StartAsync(grants: _grants);
            (await Host.Admin.PostAsync($"{Kms}/configure", Host.LocalConfiguration)).Expect(200);
            (await Host.Admin.PostAsync($"{Kms}/start")).Expect(200);
            (await Host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"key-a"}""")).Expect(200);
            (await Host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"key-b"}""")).Expect(200);
            Host.Host.Verifier.UseCredentials(new FixedCredentials((User, Secret)));
            _client = ApiClient.OverTcp(Host.Address, (User, Secret));
        }

        public async ValueTask DisposeAsync()
        {
            _client?.Dispose();
            await Host.DisposeAsync();
        }

        /// <summary>The user, who has these grants from now on. Tests of one class run one after the other.</summary>
        internal ApiClient Client(Grants grants)
        {
            _grants[User] = grants;
            return _client!;
        }
    }
}
