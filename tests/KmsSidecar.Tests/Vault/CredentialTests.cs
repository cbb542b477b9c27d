using KmsSidecar.Crypto;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Auth;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Vault;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>Each way to a token: what it takes, and what an operator is told when it leads nowhere.</summary>
public sealed class CredentialTests : IDisposable
{
    private const string Jwt = "good.jwt.zq7";

    private readonly FakeTimeProvider _clock = ClientUnderTest.NewClock();
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Token_IsLookedUp_AndStaysItself()
    {
        await using VaultDouble vault = await StartAsync();
        string token = vault.Admin.CreateToken(["default"], ttl: TimeSpan.FromHours(1));
        await using ClientUnderTest test = await OpenAsync(vault, ClientUnderTest.TokenAuth(token));

        VaultStatus status = test.Client.Status;

        Assert.Equal(("token", true, true, 1), (status.Method, status.Authenticated, status.Renewable, status.Generation));
        Assert.InRange(status.SecondsLeft!.Value, 3500, 3600);
        Assert.Equal(_clock.GetUtcNow().AddSeconds(status.SecondsLeft.Value), status.ExpiresAt!.Value, TimeSpan.FromSeconds(1));
        await test.Client.DisposeAsync();
        Assert.Equal(0, vault.Requests.Count("auth/token/revoke-self"));
    }

    [Fact]
    public async Task TokenThatMayNotLookItselfUp_IsUsed()
    {
        await using VaultDouble vault = await StartAsync();
        vault.Faults.Add(Fault.Instead(403, """{"errors":["1 error occurred:\n\t* permission denied\n\n"]}""", "auth/token/lookup-self"));
        await using ClientUnderTest test = await OpenAsync(vault, ClientUnderTest.TokenAuth(vault.RootToken));

        Assert.True(test.Client.Status is { Authenticated: true, ExpiresAt: null, LastError: null });
        using VaultAnswer check = await test.Client.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(VaultFault.None, check.Fault);
    }

    [Fact]
    public async Task TokenThatVaultDoesNotKnow_OpensNothing()
    {
        await using VaultDouble vault = await StartAsync();

        await AssertRefusedAsync(vault, ClientUnderTest.TokenAuth("s.unknown"), "does not take the token", "vault token create");
        await AssertRefusedAsync(vault, ClientUnderTest.TokenAuth("two words"), "printable ASCII");
    }

    [Theory]
    [InlineData("approle")]
    [InlineData("team/login")]
    public async Task AppRole_LogsIn_AndRevokesItsTokenAtTheEnd(string mount)
    {
        await using VaultDouble vault = await StartAsync();
        (string roleId, string secretId) = vault.Admin.CreateAppRole("r", ["default"], ttl: TimeSpan.FromMinutes(5), mount: mount);
        await using ClientUnderTest test = await OpenAsync(vault, new VaultAuth.AppRole(roleId, ClientUnderTest.Secret(secretId), Mount: mount));

        Assert.Equal(("approle", true), (test.Client.Status.Method, test.Client.Status.Authenticated));
        Assert.InRange(test.Client.Status.SecondsLeft!.Value, 250, 300);
        await test.Client.DisposeAsync();
        Assert.Equal(204, Assert.Single(vault.Requests.Of("auth/token/revoke-self")).Status);
    }

    [Fact]
    public async Task AppRoleThatVaultRefuses_OpensNothing()
    {
        await using VaultDouble vault = await StartAsync();
        (string roleId, _) = vault.Admin.CreateAppRole("r", ["default"]);

        await AssertRefusedAsync(
            vault, new VaultAuth.AppRole(roleId, ClientUnderTest.Secret("wrong-zq7")), "invalid role or secret ID", "vault write -f auth/approle/role/NAME/secret-id");
        await AssertRefusedAsync(
            vault, new VaultAuth.AppRole(roleId, ClientUnderTest.Secret("s"), Mount: "other"), "has no log-in at auth/other", "vault auth list");
    }

    [Fact]
    public async Task SecretIdFile_IsReadAtEachLogIn_AndTrimmed()
    {
        await using VaultDouble vault = await StartAsync();
        (string roleId, string secretId) = vault.Admin.CreateAppRole("r", ["default"], ttl: TimeSpan.FromMinutes(1), maxTtl: TimeSpan.FromMinutes(1), secretUses: 1);
        string file = Write("secret-id", $"{secretId}\n");
        await using ClientUnderTest test = await OpenAsync(vault, new VaultAuth.AppRole(roleId, SecretIdFile: file));

        Write("secret-id", $"  {vault.Admin.CreateSecretId("r")}\n\n");
        await test.UntilAsync(() => test.Client.Status.Generation == 2, step: 0.5);

        Assert.Null(test.Client.Status.LastError);
    }

    [Fact]
    public async Task SecretIdFileThatCannotBeUsed_OpensNothing()
    {
        await using VaultDouble vault = await StartAsync();
        (string roleId, string secretId) = vault.Admin.CreateAppRole("r", ["default"]);
        string Named(string content, UnixFileMode mode = UnixFileMode.UserRead) => Write($"s{content.Length}-{(int)mode}", content, mode);
        VaultAuth Role(string file) => new VaultAuth.AppRole(roleId, SecretIdFile: file);

        await AssertRefusedAsync(vault, Role(Named(secretId, UnixFileMode.UserRead | UnixFileMode.OtherRead)), "is open to others", "chmod 600");
        await AssertRefusedAsync(vault, Role(Named(secretId, UnixFileMode.UserRead | UnixFileMode.GroupRead)), "is open to others", "chmod 600");
        await AssertRefusedAsync(vault, Role(Named(" \n")), "one line of printable ASCII");
        await AssertRefusedAsync(vault, Role(Named("two\nlines")), "one line of printable ASCII");
        await AssertRefusedAsync(vault, Role(Named(new string('x', 20_000))), "longer than 16384 bytes");
        await AssertRefusedAsync(vault, Role(_directory.PathOf("absent")), "secret_id_file", "does not exist");
        Assert.Empty(vault.Requests.All);
    }

    [Fact]
    public async Task WrappingToken_IsTradedOnce_ForASecretIdThatLogsIn()
    {
        await using VaultDouble vault = await StartAsync();
        (string roleId, _) = vault.Admin.CreateAppRole("r", ["default"]);
        string wrapping = vault.Admin.CreateWrappedSecretId("r", TimeSpan.FromMinutes(5));
        using SecretBytes secretId = await UnwrapAsync(vault, wrapping);
        await using ClientUnderTest test = await OpenAsync(vault, new VaultAuth.AppRole(roleId, SecretBytes.CopyOf(secretId.Span)));

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => UnwrapAsync(vault, wrapping));

        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains("has been used already, and if not by this daemon, somebody else may have the secret id", refused.Message, StringComparison.Ordinal);
        Assert.Contains("vault write -wrap-ttl=5m -f auth/team/role/role/NAME/secret-id", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(wrapping, refused.ToString(), StringComparison.Ordinal);
    }

    private static Task<SecretBytes> UnwrapAsync(VaultDouble vault, string wrapping)
    {
        VaultSettings settings = new() { Address = vault.Address, Auth = ClientUnderTest.TokenAuth(wrapping) };
        return VaultClient.UnwrapAsync(
            settings, "team/role", TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TestContext.Current.CancellationToken).AsTask();
    }

    [Fact]
    public async Task Kubernetes_LogsInWithTheFilesToken()
    {
        await using VaultDouble vault = await StartAsync();
        vault.Admin.CreateKubernetesRole("kms", "storage", "kms-sidecar", ["default"], ttl: TimeSpan.FromMinutes(10));
        string file = Write("jwt", $"{Jwt}\n", UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await using ClientUnderTest test = await OpenAsync(vault, new VaultAuth.Kubernetes("kms", file));

        Assert.Equal("kubernetes", test.Client.Status.Method);
        Assert.InRange(test.Client.Status.SecondsLeft!.Value, 550, 600);
        await AssertRefusedAsync(vault, new VaultAuth.Kubernetes("other", file), "invalid role name", "vault read auth/kubernetes/role/other");
    }

    [Fact]
    public async Task TokenFile_IsFollowed()
    {
        await using VaultDouble vault = await StartAsync();
        string file = Write("token", $"{vault.Admin.CreateToken(["default"], ttl: TimeSpan.FromMinutes(10))}\n");
        await using ClientUnderTest test = await OpenAsync(vault, new VaultAuth.TokenFile(file, TimeSpan.FromSeconds(30)));
        using VaultAnswer before = await test.SendAsync("auth/token/lookup-self");

        Write("token", vault.Admin.CreateToken(["default"], ttl: TimeSpan.FromMinutes(20)));
        await test.UntilAsync(() => test.Client.Status.Generation == 2, step: 1);
        using VaultAnswer after = await test.SendAsync("auth/token/lookup-self");

        string[] tokens = [.. vault.Requests.Of("auth/token/lookup-self").Select(static request => request.Token!)];
        Assert.Equal(2, tokens.Distinct().Count());
        Assert.Equal(0, vault.Requests.Count("auth/token/renew-self"));
    }

    [Fact]
    public async Task TokenFileOfATokenThatItsKeeperRenews_GoesOn()
    {
        await using VaultDouble vault = await StartAsync();
        string token = vault.Admin.CreateToken(["default"], ttl: TimeSpan.FromMinutes(1));
        await using ClientUnderTest test = await OpenAsync(vault, new VaultAuth.TokenFile(Write("token", token), TimeSpan.FromSeconds(10)));

        for (int i = 0; i < 8; i++)
        {
            using HttpClient keeper = new();
            using HttpRequestMessage renewal = new(HttpMethod.Post, new Uri(vault.Address, "/v1/auth/token/renew-self"));
            renewal.Headers.Add("X-Vault-Token", token);
            (await keeper.SendAsync(renewal, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
            DateTimeOffset until = _clock.GetUtcNow().AddSeconds(20);
            await test.UntilAsync(() => _clock.GetUtcNow() >= until, step: 1);
        }

        await test.UntilAsync(() => test.Client.Status is { Authenticated: true, LastError: null }, step: 0.1);
        Assert.Equal(1, test.Client.Status.Generation);
    }

    [Fact]
    public async Task TokenFileThatOthersMayRead_IsRefused()
    {
        await using VaultDouble vault = await StartAsync();
        string file = Write("token", vault.RootToken, UnixFileMode.UserRead | UnixFileMode.GroupRead);

        await AssertRefusedAsync(vault, new VaultAuth.TokenFile(file, TimeSpan.FromSeconds(30)), "is open to others", "chmod 600");
    }

    [Fact]
    public async Task Namespace_IsThatOfLogInAndCalls()
    {
        await using VaultDouble vault = await StartAsync();
        VaultAdmin team = vault.Admin.In("team");
        team.EnableTransit();
        team.CreateTransitKey("k");
        team.WritePolicy("reader", """path "transit/keys/k" { capabilities = ["read"] }""");
        (string roleId, string secretId) = team.CreateAppRole("r", ["reader"], ttl: TimeSpan.FromMinutes(5));
        VaultAuth Role() => new VaultAuth.AppRole(roleId, ClientUnderTest.Secret(secretId));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(
            new VaultSettings { Address = vault.Address, Auth = Role(), Namespace = "team" }, _clock);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.None, answer.Fault);
        await AssertRefusedAsync(vault, Role(), "has no log-in at auth/approle");
    }

    [Theory]
    [InlineData("""{"auth":{"lease_duration":60}}""")]
    [InlineData("""{"auth":{"client_token":7,"lease_duration":60}}""")]
    [InlineData("""{"auth":{"client_token":"s.x","lease_duration":-1}}""")]
    [InlineData("""{"auth":"none"}""")]
    [InlineData("""{"auth":{"client_token":"s.x","lease_dur""")]
    public async Task LogInThatAnswersSomethingElse_IsNotVaults(string body)
    {
        await using VaultDouble vault = await StartAsync();
        vault.Faults.Add(Fault.Instead(200, body, "auth/approle/login"));

        await AssertRefusedAsync(vault, new VaultAuth.AppRole("r", ClientUnderTest.Secret("s")), "is not Vault");
    }

    [Fact]
    public async Task SealedVault_OpensNothing_AndSaysSo()
    {
        await using VaultDouble vault = await StartAsync();
        vault.Admin.IsSealed = true;

        KmsException failed = await Assert.ThrowsAsync<KmsException>(() => OpenAsync(vault, ClientUnderTest.TokenAuth(vault.RootToken)));

        Assert.Equal(KmsError.BackendUnavailable, failed.Error);
        Assert.Contains("is sealed; run: vault operator unseal", failed.Message);
    }

    private Task<VaultDouble> StartAsync() => VaultDouble.StartAsync(new VaultDoubleOptions
    {
        Clock = _clock,
        ServiceAccounts = new Dictionary<string, ServiceAccount> { [Jwt] = new("storage", "kms-sidecar") },
    });

    private Task<ClientUnderTest> OpenAsync(VaultDouble vault, VaultAuth auth) =>
        ClientUnderTest.OpenAsync(new VaultSettings { Address = vault.Address, Auth = auth, Timeout = ClientUnderTest.LongTimeout }, _clock);

    private async Task AssertRefusedAsync(VaultDouble vault, VaultAuth auth, params string[] says)
    {
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => OpenAsync(vault, auth));

        Assert.NotEqual(KmsError.BackendUnavailable, refused.Error);
        Assert.All(says, text => Assert.Contains(text, refused.Message));
        Assert.DoesNotContain("zq7", refused.ToString());
    }

    private string Write(string name, string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        string path = _directory.PathOf(name);
        File.WriteAllText($"{path}.new", content);
        File.SetUnixFileMode($"{path}.new", mode);
        File.Move($"{path}.new", path, overwrite: true);
        return path;
    }
}
