using KmsSidecar.Doubles;
using KmsSidecar.Errors;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>What is found before a backend goes live, and how it is said.</summary>
public sealed class InspectionTests : IAsyncLifetime
{
    private VaultDouble _vault = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultDouble.StartAsync();
        _vault.Admin.EnableTransit();
        _vault.Admin.EnableTransit("team/transit");
        _vault.Admin.EnableKv("kv");
        _vault.Admin.EnableKv("kv1", version: 1);
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Theory]
    [InlineData("transit", "transit", null)]
    [InlineData("team/transit", "transit", null)]
    [InlineData("kv", "kv", 2)]
    [InlineData("kv1", "kv", 1)]
    [InlineData("kv1", "kv", null)]
    public async Task MountOfTheRightKind_Passes(string mount, string type, int? version)
    {
        await using ClientUnderTest test = await OpenAsync(_vault.RootToken);

        await new VaultInspection(test.Client).RequireMountAsync(mount, type, version, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("kv1", "kv", 2, "is KV version 1, and version 2 is needed; make it that with: vault kv enable-versioning kv1/")]
    [InlineData("kv", "transit", null, "is of type kv, and transit is needed")]
    [InlineData("absent", "kv", 2, "vault secrets enable -path=absent -version=2 kv")]
    [InlineData("transit/sub", "transit", null, "nothing is mounted at transit/sub/")]
    public async Task MountOfAnotherKind_IsNamed(string mount, string type, int? version, string says)
    {
        await using ClientUnderTest test = await OpenAsync(_vault.RootToken);

        KmsException refused = await Assert.ThrowsAsync<KmsException>(
            () => new VaultInspection(test.Client).RequireMountAsync(mount, type, version, CancellationToken.None).AsTask());

        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains(says, refused.Message);
    }

    [Fact]
    public async Task MountThatTheTokenHasNothingIn_IsNotToldFromNone_AndBothAreSaid()
    {
        await using ClientUnderTest test = await OpenAsync(_vault.Admin.CreateToken(["default"]));

        foreach (string mount in new[] { "transit", "absent" })
        {
            KmsException refused = await Assert.ThrowsAsync<KmsException>(
                () => new VaultInspection(test.Client).RequireMountAsync(mount, "transit", null, CancellationToken.None).AsTask());

            Assert.Contains($"nothing is mounted at {mount}/", refused.Message);
            Assert.Contains("or the token may do nothing below it", refused.Message);
        }
    }

    [Fact]
    public async Task MissingCapabilities_AreAllNamed_WithTheLinesToAdd()
    {
        _vault.Admin.WritePolicy("some", """
            path "transit/encrypt/k" { capabilities = ["update"] }
            path "kv/data/p/*" { capabilities = ["create", "read"] }
            """);
        await using ClientUnderTest test = await OpenAsync(_vault.Admin.CreateToken(["default", "some"]));

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => new VaultInspection(test.Client).RequireCapabilitiesAsync(
        [
            new("transit/encrypt/k", ["update"], "to wrap data keys"),
            new("transit/decrypt/k", ["update"], "to open data keys"),
            new("kv/data/p/x", ["create", "read", "update"], "to keep records"),
        ],
        CancellationToken.None).AsTask());

        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains("lacks update on transit/decrypt/k (to open data keys), update on kv/data/p/x (to keep records);", refused.Message);
        Assert.EndsWith(
            """path "transit/decrypt/k" { capabilities = ["update"] } path "kv/data/p/x" { capabilities = ["create", "read", "update"] }""", refused.Message);
        Assert.Equal(1, _vault.Requests.Count("sys/capabilities-self"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CapabilitiesThatAreThere_Pass(bool isRoot)
    {
        _vault.Admin.WritePolicy("all", """path "transit/+/k" { capabilities = ["update", "read"] }""");
        await using ClientUnderTest test = await OpenAsync(isRoot ? _vault.RootToken : _vault.Admin.CreateToken(["default", "all"]));

        await new VaultInspection(test.Client).RequireCapabilitiesAsync([new("transit/encrypt/k", ["update"], "x"), new("transit/keys/k", ["read"], "y")], CancellationToken.None);
    }

    private Task<ClientUnderTest> OpenAsync(string token) =>
        ClientUnderTest.OpenAsync(new VaultSettings { Address = _vault.Address, Auth = ClientUnderTest.TokenAuth(token) });
}
