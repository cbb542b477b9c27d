using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Vault;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>A token in the course of time: renewed, replaced, dead, ended.</summary>
public sealed class RenewalTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = ClientUnderTest.NewClock();
    private VaultDouble _vault = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Clock = _clock });
        _vault.Admin.EnableTransit();
        _vault.Admin.CreateTransitKey("k");
        _vault.Admin.WritePolicy("reader", """path "transit/keys/k" { capabilities = ["read"] }""");
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task RenewableToken_IsRenewedBeforeHalfOfItsLifeIsOver_AndGoesOn()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 100);

        _clock.Advance(TimeSpan.FromSeconds(39));
        Assert.Equal(0, _vault.Requests.Count("auth/token/renew-self"));
        _clock.Advance(TimeSpan.FromSeconds(11));
        await test.UntilAsync(() => test.Client.Status.SecondsLeft >= 95, step: 0.01);
        Assert.Equal(1, _vault.Requests.Count("auth/token/renew-self"));

        await PassAsync(test, TimeSpan.FromMinutes(10), ttl: 100);
        await AssertServesAsync(test);
        Assert.Equal(1, _vault.Requests.Count("auth/approle/login"));
        Assert.Equal((1, null), (test.Client.Status.Generation, test.Client.Status.LastError));
    }

    [Fact]
    public async Task TokenNearItsMaximum_IsReplaced_BeforeItEnds()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 60, maxTtl: 100);

        await PassAsync(test, TimeSpan.FromMinutes(10), ttl: 60);

        await AssertServesAsync(test);
        Assert.InRange(test.Client.Status.Generation, 8, 20);
        Assert.Null(test.Client.Status.LastError);
    }

    [Fact]
    public async Task TokenThatLivesLongerThanATimerMayWait_IsRenewed()
    {
        _vault.Faults.Add(Fault.Instead(200, """{"data":{"creation_ttl":34560000,"ttl":34560000,"renewable":true}}""", "auth/token/lookup-self"));
        await using ClientUnderTest test = await OpenAsync(ClientUnderTest.TokenAuth(_vault.RootToken));
        Assert.InRange(test.Client.Status.SecondsLeft!.Value, (400 * 86_400) - 100, 400 * 86_400);

        await test.UntilAsync(() => _vault.Requests.Count("auth/token/renew-self") > 0, step: TimeSpan.FromHours(12).TotalSeconds);
    }

    [Fact]
    public async Task FailedRenewal_LogsInAnew()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 100);
        _vault.Faults.Add(Fault.Instead(400, """{"errors":["lease is not renewable"]}""", "auth/token/renew-self"));

        await test.UntilAsync(() => test.Client.Status.Generation == 2, step: 0.5);

        await AssertServesAsync(test);
    }

    [Fact]
    public async Task FailedCycle_IsTriedAgain_AndTheTokenIsNotUsedBeyondItsEnd()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 100);
        await _vault.StopAsync();
        _clock.Advance(TimeSpan.FromSeconds(50));
        await test.UntilAsync(() => test.Client.Status.LastError is not null, step: 0.05);
        Assert.True(test.Client.Status.Authenticated);

        // A quarter of its life is less than the time that one attempt may take, and is the margin.
        await test.UntilAsync(() => !test.Client.Status.Authenticated, step: 0.5);
        Assert.InRange(test.Client.Status.SecondsLeft!.Value, 20, 25);
        long attempts = test.Client.Status.Attempts;
        using (VaultAnswer refused = await test.SendAsync())
        {
            Assert.Equal((VaultFault.CredentialsRefused, 0), (refused.Fault, refused.Status));
            Assert.Contains("there is no token that Vault takes: ", refused.Sentence);
            Assert.Equal(attempts, test.Client.Status.Attempts);
        }

        await _vault.StartAgainAsync();
        await test.UntilAsync(() => test.Client.Status.Authenticated, step: 0.5);
        await AssertServesAsync(test);
        Assert.Null(test.Client.Status.LastError);
    }

    [Fact]
    public async Task DeadToken_IsReplacedOnce_UnderManyCalls_WhichAllSucceed()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600);
        await RevokeAsync(test);
        _vault.Requests.Clear();

        VaultAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => test.SendAsync()));

        Assert.All(answers, static answer => Assert.Equal(VaultFault.None, answer.Fault));
        Assert.Equal((1, 1), (_vault.Requests.Count("auth/approle/login"), _vault.Requests.Count("auth/token/lookup-self")));
        Assert.Equal(2, test.Client.Status.Generation);
        Assert.Single(test.Log.Lines, static line => line.Text.Contains("does not know the token any more"));
    }

    [Fact]
    public async Task DeadToken_ThatCannotBeReplaced_IsFoundOutOnce()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600);
        _vault.Faults.Add(Fault.Instead(400, """{"errors":["invalid role or secret ID"]}""", "auth/approle/login"));
        await RevokeAsync(test);
        _vault.Requests.Clear();

        VaultAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => test.SendAsync()));
        using VaultAnswer later = await test.SendAsync();

        Assert.All(answers.Append(later), static answer => Assert.Equal(VaultFault.CredentialsRefused, answer.Fault));
        Assert.Contains("invalid role or secret ID", later.Sentence);
        Assert.Equal((1, 1), (_vault.Requests.Count("auth/approle/login"), _vault.Requests.Count("auth/token/lookup-self")));
        Assert.False(test.Client.Status.Authenticated);

        _vault.Faults.Clear();
        await test.UntilAsync(() => test.Client.Status.Authenticated, step: 0.1);
        await AssertServesAsync(test);
    }

    [Fact]
    public async Task RefusalOfALivingToken_IsAPolicys_AndItIsAskedOnce()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600);
        _vault.Faults.Add(Fault.Refuse(403, "transit/*"));

        for (int i = 0; i < 10; i++)
        {
            using VaultAnswer answer = await test.SendAsync();
            Assert.Equal(VaultFault.PolicyDenied, answer.Fault);
        }

        Assert.Equal((1, 1), (_vault.Requests.Count("auth/token/lookup-self"), test.Client.Status.Generation));
    }

    [Fact]
    public async Task TokenThatIsRefusedForEver_MakesNoLoop()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600);
        _vault.Faults.Add(Fault.Refuse(403, "transit/*"));
        _vault.Faults.Add(Fault.Refuse(403, "auth/token/lookup-self"));

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.CredentialsRefused, answer.Fault);
        Assert.Equal((2, 2), (_vault.Requests.Count("transit/*"), _vault.Requests.Count("auth/approle/login")));
    }

    [Theory]
    [InlineData("""{"data":{"ttl":-1}}""")]
    [InlineData("""{"data":{"ttl":"soon"}}""")]
    [InlineData("""{"data":{"ttl":""")]
    public async Task RefusedToken_OfWhichNothingSoundIsSaid_IsAnAnswer_AndNoException(string lookup)
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600);
        _vault.Faults.Add(Fault.Refuse(403, "transit/*"));
        _vault.Faults.Add(Fault.Instead(200, lookup, "auth/token/lookup-self"));

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.CredentialsRefused, answer.Fault);
        Assert.Equal(1, test.Client.Status.Generation);
    }

    [Fact]
    public async Task StaticToken_ThatIsRevoked_IsReportedWithTheMend()
    {
        string token = _vault.Admin.CreateToken(["reader"], ttl: TimeSpan.FromHours(1));
        await using ClientUnderTest test = await OpenAsync(ClientUnderTest.TokenAuth(token));
        await AssertServesAsync(test);
        _vault.Admin.RevokeToken(token);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.CredentialsRefused, answer.Fault);
        Assert.Contains("vault token create", answer.Sentence);
        using VaultAnswer check = await test.Client.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(VaultFault.CredentialsRefused, check.Fault);
    }

    [Fact]
    public async Task StaticToken_ThatCannotBeRenewed_IsAnnounced_AndEnds()
    {
        string token = _vault.Admin.CreateToken(["reader"], ttl: TimeSpan.FromMinutes(10), isRenewable: false);
        await using ClientUnderTest test = await OpenAsync(ClientUnderTest.TokenAuth(token));
        Assert.Single(test.Log.Lines, static line => (line.Text.Contains("ends in 600 s") || line.Text.Contains("ends in 59")) && line.Text.Contains("vault token create"));

        _clock.Advance(TimeSpan.FromMinutes(9.6));
        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.CredentialsRefused, answer.Fault);
        Assert.Contains("has ended; make a token with: vault token create", answer.Sentence);
    }

    [Fact]
    public async Task StaticToken_ThatAPolicyKeepsFromRenewal_IsSeldomAskedForIt_AndServes()
    {
        string token = _vault.Admin.CreateToken(["reader"], ttl: TimeSpan.FromHours(1));
        await using ClientUnderTest test = await OpenAsync(ClientUnderTest.TokenAuth(token));
        _vault.Faults.Add(Fault.Refuse(403, "auth/token/renew-self"));

        _clock.Advance(TimeSpan.FromMinutes(31));
        await test.UntilAsync(() => test.Client.Status.LastError is not null, step: 0.01);
        for (int i = 0; i < 10; i++)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            await AssertServesAsync(test);
        }

        Assert.Equal(1, _vault.Requests.Count("auth/token/renew-self"));
        Assert.NotNull(test.Client.Status.LastError);
        _vault.Faults.Clear();
        await test.UntilAsync(() => test.Client.Status.LastError is null, step: 10);
        await AssertServesAsync(test);
    }

    [Fact]
    public async Task TokenWithALimitedNumberOfUses_IsReplacedWhenTheyAreUsedUp()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600, uses: 3);

        for (int i = 0; i < 10; i++)
        {
            await AssertServesAsync(test);
        }

        Assert.InRange(test.Client.Status.Generation, 3, 6);
    }

    [Fact]
    public async Task CallInFlight_FinishesWithItsToken_WhenThereIsANewOne()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 60, maxTtl: 100);
        _vault.Faults.Add(Fault.Hang("transit/*"));
        Task<VaultAnswer> sending = test.SendAsync();
        await _vault.Requests.WaitForAsync(1, "transit/*", cancellation: TestContext.Current.CancellationToken);

        _vault.Faults.Add(Fault.Instead(400, """{"errors":["lease is not renewable"]}""", "auth/token/renew-self"));
        _clock.Advance(TimeSpan.FromSeconds(29));
        await test.UntilAsync(() => test.Client.Status.Generation == 2, step: 0.01);
        _vault.Faults.Clear();

        using VaultAnswer answer = await sending;
        Assert.Equal(VaultFault.None, answer.Fault);
    }

    [Fact]
    public async Task Disposal_IsNotHeldUp_ByAVaultThatIsGone()
    {
        ClientUnderTest test = await OpenAsync(ttl: 3600);
        _vault.Faults.Add(Fault.Hang("auth/token/revoke-self"));

        await ClientUnderTest.PassingTimeAsync(_clock, Task.Run(async () =>
        {
            await test.DisposeAsync();
            return true;
        }));

        Assert.Contains("was not revoked and ends by itself: no answer in 2 s", test.Log.Text);
    }

    [Fact]
    public async Task Check_AsksOnceInFiveSeconds_AndNotAtAllBesideCallsThatSucceed()
    {
        await using ClientUnderTest test = await OpenAsync(ttl: 3600);

        VaultAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => test.Client.CheckAsync(CancellationToken.None).AsTask()));
        Assert.All(answers, static answer => Assert.Equal(VaultFault.None, answer.Fault));
        Assert.Equal(1, _vault.Requests.Count("auth/token/lookup-self"));

        _clock.Advance(TimeSpan.FromSeconds(5));
        await AssertServesAsync(test);
        using VaultAnswer beside = await test.Client.CheckAsync(CancellationToken.None);
        Assert.Equal(1, _vault.Requests.Count("auth/token/lookup-self"));

        _vault.Admin.IsSealed = true;
        _clock.Advance(TimeSpan.FromSeconds(5));
        using VaultAnswer check = await test.Client.CheckAsync(CancellationToken.None);
        Assert.Equal(VaultFault.Sealed, check.Fault);
    }

    private async Task RevokeAsync(ClientUnderTest test)
    {
        // With the token itself, as whoever stole it could.
        using VaultAnswer answer = await test.SendAsync(ClientUnderTest.Call("auth/token/revoke-self", HttpMethod.Post, VaultRepeat.Never));
        Assert.Equal(VaultFault.None, answer.Fault);
    }

    private static async Task AssertServesAsync(ClientUnderTest test)
    {
        using VaultAnswer answer = await test.SendAsync();
        Assert.Equal("", answer.Sentence);
    }

    /// <summary>Step by step. When half of the token's life is over, time nearly stands still until there is a new one or more of it.</summary>
    private async Task PassAsync(ClientUnderTest test, TimeSpan time, int ttl)
    {
        DateTimeOffset until = _clock.GetUtcNow() + time;
        while (_clock.GetUtcNow() < until)
        {
            await test.UntilAsync(() => _vault.Requests.InFlight == 0 && test.Client.Status.SecondsLeft >= ttl / 2, step: 0.02);
            _clock.Advance(TimeSpan.FromSeconds(2));
            Assert.True(test.Client.Status.Authenticated);
        }
    }

    private Task<ClientUnderTest> OpenAsync(int ttl, int? maxTtl = null, int uses = 0)
    {
        (string roleId, string secretId) = _vault.Admin.CreateAppRole(
            "r", ["default", "reader"], TimeSpan.FromSeconds(ttl), maxTtl is { } most ? TimeSpan.FromSeconds(most) : null, uses);
        return OpenAsync(new VaultAuth.AppRole(roleId, ClientUnderTest.Secret(secretId)));
    }

    private Task<ClientUnderTest> OpenAsync(VaultAuth auth) => ClientUnderTest.OpenAsync(new VaultSettings { Address = _vault.Address, Auth = auth, Timeout = ClientUnderTest.LongTimeout }, _clock);
}
