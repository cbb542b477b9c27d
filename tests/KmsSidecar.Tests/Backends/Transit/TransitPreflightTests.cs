using KmsSidecar.Backends;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>What keeps a Transit backend from going live, and the mend that is named.</summary>
public sealed class TransitPreflightTests
{
    private const string Key = "app-key";

    [Fact]
    public async Task MissingDefaultKey_IsNotMade_AndTheMendIsNamed()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync();
        KmsException missing = await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync(defaultKey: "rustfs-master"));
        Assert.Equal(KmsError.KeyNotFound, missing.Error);
        Assert.EndsWith("vault write transit/keys/rustfs-master type=aes256-gcm96", missing.Message, StringComparison.Ordinal);
        Assert.Equal(missing.Message, (await fixture.OpenAsync()).WhyNoDefaultKeyIsMade("rustfs-master"));
        Assert.Null(fixture.Vault.Admin.ReadTransitKey("rustfs-master"));
    }

    [Fact]
    public async Task MountThatIsNotThere_OrOfAnotherKind_IsNamed()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Admin.Unmount("secret");
        Assert.Contains("secret", (await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync())).Message, StringComparison.Ordinal);
        fixture.Vault.Admin.EnableKv(version: 1);
        Assert.Contains("version 1", (await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync())).Message, StringComparison.Ordinal);
        fixture.Vault.Admin.Unmount("transit");
        Assert.Contains("transit", (await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingCapabilities_AreNamedWithTheirPaths()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        string token = fixture.TokenFor("""
            path "transit/decrypt/*" { capabilities = ["update"] }
            path "secret/data/*" { capabilities = ["read"] }
            """);
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync(defaultKey: Key, token: token));
        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains("update on transit/encrypt/app-key", refused.Message, StringComparison.Ordinal);
        Assert.Contains("read on transit/keys/app-key", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("transit/decrypt", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PathThatIsNone_EndsTheClientToo()
    {
        OwnedVault vault = new();
        TransitSettings settings = new("transit", "secret", "a//b", CacheKeys: true, MaxCachedKeys: 1, TimeSpan.FromMinutes(5));
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => TransitBackend.OpenAsync(
            vault, settings, OpenMode.Existing, new BackendReports(static _ => { }, static _ => { }), TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
        Assert.True(vault.IsDisposed);
    }

    private sealed class OwnedVault : IVault, IAsyncDisposable
    {
        public bool IsDisposed { get; private set; }

        public string Name => "nowhere";

        public ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
