using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Auth;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>What tests lean on, and no recording shows.</summary>
public sealed class VaultDoubleTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private VaultDouble _vault = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultDouble.StartAsync(new VaultDoubleOptions
        {
            Clock = _clock,
            ServiceAccounts = new Dictionary<string, ServiceAccount> { ["good.jwt"] = new("storage", "rustfs") },
        });
        _vault.Admin.EnableTransit();
        _vault.Admin.EnableKv();
        _vault.Admin.CreateTransitKey("k");
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task Outage_EndsOnTheSamePort_WithAllThatWasStored()
    {
        _vault.Admin.PutKv("a/b", new JsonObject { ["x"] = 1 });
        using PlainVaultClient client = new(_vault);
        Uri address = _vault.Address;
        await client.SendAsync("GET", "secret/data/a/b");

        await _vault.StopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync("GET", "secret/data/a/b"));
        await _vault.StartAgainAsync();

        Assert.Equal(address, _vault.Address);
        Assert.Equal(1, (await client.SendAsync("GET", "secret/data/a/b")).Body.GetProperty("data").GetProperty("data").GetProperty("x").GetInt32());
    }

    [Fact]
    public async Task Sealing_RefusesEverythingUntilItIsUnsealed()
    {
        using PlainVaultClient client = new(_vault);
        _vault.Admin.IsSealed = true;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.SendAsync("GET", "transit/keys/k")).Status);

        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("PUT", "sys/unseal", """{"key":"any"}""")).Status);

        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "transit/keys/k")).Status);
    }

    [Fact]
    public async Task ManyAtOnce_AreAnsweredEachWithItsOwn()
    {
        using PlainVaultClient client = new(_vault);

        string[] results = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            string plaintext = Convert.ToBase64String([(byte)i, 1, 2]);
            JsonElement wrapped = (await client.SendAsync("POST", "transit/encrypt/k", $$"""{"plaintext":"{{plaintext}}"}""")).Body;
            string ciphertext = wrapped.GetProperty("data").GetProperty("ciphertext").GetString()!;
            JsonElement opened = (await client.SendAsync("POST", "transit/decrypt/k", $$"""{"batch_input":[{"ciphertext":"{{ciphertext}}"}]}""")).Body;
            return opened.GetProperty("data").GetProperty("batch_results")[0].GetProperty("plaintext").GetString()!;
        }));

        Assert.Equal(Enumerable.Range(0, 200).Select(static i => Convert.ToBase64String([(byte)i, 1, 2])), results);
        Assert.Equal((200, 200), (_vault.Requests.Count("transit/encrypt/*", "POST"), _vault.Requests.Of("transit/decrypt/*").Sum(static request => request.BatchSize)));
    }

    [Fact]
    public async Task Log_TellsTokensApart_AndDoesNotHoldThem()
    {
        string token = _vault.Admin.CreateToken(["default"]);
        foreach (string used in (string[])[token, _vault.RootToken, token])
        {
            using PlainVaultClient client = new(_vault, used);
            await client.SendAsync("GET", "auth/token/lookup-self");
        }

        Assert.Equal(_vault.Requests.All[0].Token, _vault.Requests.All[2].Token);
        Assert.NotEqual(_vault.Requests.All[0].Token, _vault.Requests.All[1].Token);
        Assert.DoesNotContain(token, string.Concat(_vault.Requests.All.Select(static request => request + string.Join(';', request.Headers))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""path "transit/*" { capabilities = ["read"] } path "transit/keys/k" { capabilities = ["deny"] }""", 403)]
    [InlineData("""path "transit/*" { capabilities = ["deny"] } path "transit/keys/k" { capabilities = ["read"] }""", 200)]
    [InlineData("""path "+/keys/k" { capabilities = ["read"] } # a comment""", 200)]
    [InlineData("""path "transit/+" { capabilities = ["read"] }""", 403)]
    [InlineData("""path "transit/+/+" { capabilities = ["deny"] } path "transit/keys/*" { capabilities = ["read"] }""", 200)]
    [InlineData("""path "transit/keys*" { capabilities = ["update", "list"] }""", 403)]
    [InlineData("", 403)]
    public async Task Policy_GrantsByItsMostExactPath(string policy, int status)
    {
        _vault.Admin.WritePolicy("p", policy);
        using PlainVaultClient client = new(_vault, _vault.Admin.CreateToken(["p"]));

        Assert.Equal(status, (int)(await client.SendAsync("GET", "transit/keys/k")).Status);
    }

    [Theory]
    [InlineData("""path "transit/keys" { capabilities = ["list"] } path "transit/keys/*" { capabilities = ["read"] }""", 200, "list")]
    [InlineData("""path "transit/keys/*" { capabilities = ["list", "read"] }""", 200, "list,read")]
    [InlineData("""path "transit/keys" { capabilities = ["read"] } path "transit/keys/*" { capabilities = ["list"] }""", 403, "read")]
    public async Task List_GoesByTheFoldersOwnPathFirst(string policy, int status, string capabilities)
    {
        _vault.Admin.WritePolicy("p", policy);
        using PlainVaultClient client = new(_vault, _vault.Admin.CreateToken(["p"]));

        Assert.Equal(status, (int)(await client.SendAsync("LIST", "transit/keys")).Status);
        JsonElement answer = (await client.SendAsync("POST", "sys/capabilities-self", """{"paths":["transit/keys/"]}""")).Body;
        Assert.Equal(capabilities, string.Join(',', answer.GetProperty("capabilities").EnumerateArray().Select(static item => item.GetString())));
    }

    [Theory]
    [InlineData("""path "x" { capabilities = ["fly"] }""")]
    [InlineData("""path "x" { capabilities = ["read"]""")]
    [InlineData("nonsense")]
    public void PolicyThatIsNotUnderstood_IsRefused(string policy)
    {
        Assert.Contains("failed to parse policy", Assert.Throws<InvalidOperationException>(() => _vault.Admin.WritePolicy("p", policy)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_EndsByTimeUsesOrRevocation()
    {
        string brief = _vault.Admin.CreateToken(["default"], ttl: TimeSpan.FromMinutes(1));
        string once = _vault.Admin.CreateToken(["default"], uses: 1);
        string revoked = _vault.Admin.CreateToken(["default"]);
        foreach (string token in (string[])[brief, once, revoked])
        {
            using PlainVaultClient client = new(_vault, token);
            Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "auth/token/lookup-self")).Status);
        }

        _vault.Admin.RevokeToken(revoked);
        _clock.Advance(TimeSpan.FromMinutes(1));

        foreach (string token in (string[])[brief, once, revoked])
        {
            using PlainVaultClient client = new(_vault, token);
            Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync("GET", "auth/token/lookup-self")).Status);
        }
    }

    [Theory]
    [InlineData("r", "good.jwt", 200)]
    [InlineData("r", "bad.jwt", 403)]
    [InlineData("other", "good.jwt", 403)]
    [InlineData("absent", "good.jwt", 400)]
    public async Task KubernetesToken_LogsInToItsRole(string role, string jwt, int status)
    {
        _vault.Admin.CreateKubernetesRole("r", "storage", "rustfs", ["default"], TimeSpan.FromMinutes(5));
        _vault.Admin.CreateKubernetesRole("other", "storage", "someone", ["default"]);
        using PlainVaultClient client = new(_vault);

        (HttpStatusCode answered, JsonElement body) = await client.SendAsync("POST", "auth/kubernetes/login", $$"""{"role":"{{role}}","jwt":"{{jwt}}"}""");

        Assert.Equal(status, (int)answered);
        Assert.True(status != 200 || body.GetProperty("auth").GetProperty("lease_duration").GetInt32() == 300, body.ToString());
    }

    [Fact]
    public async Task WrappedSecretId_LogsInOnce_InANamespace()
    {
        VaultAdmin team = _vault.Admin.In("team");
        (string roleId, string first) = team.CreateAppRole("r", ["default"], secretUses: 1);
        string wrapping = team.CreateWrappedSecretId("r", TimeSpan.FromMinutes(1));
        using PlainVaultClient unwrapping = new(_vault, wrapping);

        JsonElement unwrapped = (await unwrapping.SendAsync("POST", "sys/wrapping/unwrap")).Body;

        string second = unwrapped.GetProperty("data").GetProperty("secret_id").GetString()!;
        Assert.Equal((200, 200, 400), (await LogInAsync(first), await LogInAsync(second), await LogInAsync(second)));

        async Task<int> LogInAsync(string secretId) =>
            (int)(await unwrapping.SendAsync("POST", "team/auth/approle/login", $$"""{"role_id":"{{roleId}}","secret_id":"{{secretId}}"}""")).Status;
    }

    [Fact]
    public async Task KvSecret_KeepsTenVersions()
    {
        for (int i = 1; i <= 11; i++)
        {
            Assert.Equal(i, _vault.Admin.PutKv("a", new JsonObject { ["x"] = i }));
        }

        using PlainVaultClient client = new(_vault);
        Assert.Equal(HttpStatusCode.NotFound, (await client.SendAsync("GET", "secret/data/a?version=1")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "secret/data/a?version=2")).Status);
        Assert.Equal(11, _vault.Admin.GetKv("a")!["x"]!.GetValue<int>());
    }
}
