using System.Text;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Crypto;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;
using Xunit;
using static KmsSidecar.Tests.Backends.BackendCalls;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>What is kept of opened data keys and of keys, and for how long.</summary>
public sealed class TransitCacheTests
{
    private const string Key = "kept";

    private const string Decrypt = "transit/decrypt/*";

    private static EncryptionContext Object { get; } = Context(("bucket", "bucket/object"));

    [Fact]
    public async Task SecondDecrypt_NeverReachesVault()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] blob = await WrapAsync(backend, Object);
        Assert.Equal(DataKey, (await backend.UnwrapAsync(blob, Object)).Plaintext);
        fixture.Vault.Requests.Clear();
        (KmsError error, uint version, byte[] plaintext) = await backend.UnwrapAsync(blob, Object);
        Assert.Equal((KmsError.None, 1u), (error, version));
        Assert.Equal(DataKey, plaintext);
        Assert.Equal(0, fixture.CountOf("*"));
    }

    [Fact]
    public async Task GeneratedKey_IsNotKept()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] blob = await WrapAsync(backend, Object);
        fixture.Vault.Requests.Clear();
        await backend.UnwrapAsync(blob, Object);
        Assert.Equal(1, fixture.CountOf(Decrypt));
    }

    [Fact]
    public async Task ContextsThatRustFsTakes_AreServedFromWhatIsKept_AndOthersNever()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] blob = await WrapAsync(backend, Object);
        await backend.UnwrapAsync(blob, Object);
        fixture.Vault.Requests.Clear();
        EncryptionContext more = Context(("bucket", "bucket/object"), ("more", "1"));
        Assert.Equal(DataKey, (await backend.UnwrapAsync(blob, EncryptionContext.Empty)).Plaintext);
        Assert.Equal(DataKey, (await backend.UnwrapAsync(blob, more)).Plaintext);
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(blob, Context(("bucket", "other")))).Error);
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(blob, Context(("more", "1")))).Error);
        Assert.Equal(0, fixture.CountOf("*"));
    }

    [Fact]
    public async Task EditedContextOfAnEnvelope_IsNotServedFromWhatIsKept()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] blob = await WrapAsync(backend, Object);
        await backend.UnwrapAsync(blob, Object);
        byte[] edited = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(blob).Replace("bucket/object", "bucket/stolen", StringComparison.Ordinal));
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(edited, Context(("bucket", "bucket/stolen")))).Error);
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(edited)).Error);
    }

    [Fact]
    public async Task ManyWhoAskAtOnce_ShareOneCall()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] blob = await WrapAsync(backend, Object);
        Fault hang = Fault.Hang(Decrypt);
        fixture.Vault.Faults.Add(hang);
        fixture.Vault.Requests.Clear();
        Task<(KmsError Error, uint Version, byte[] Plaintext)>[] callers = [.. Enumerable.Range(0, 30).Select(_ => backend.UnwrapAsync(blob, Object))];
        await fixture.Vault.Requests.WaitForAsync(1, Decrypt, cancellation: TestContext.Current.CancellationToken);
        fixture.Vault.Faults.Clear(hang);
        Assert.All(await Task.WhenAll(callers), static opened => Assert.Equal(DataKey, opened.Plaintext));
        Assert.Equal(1, fixture.CountOf(Decrypt));
    }

    [Theory]
    [InlineData("time")]
    [InlineData("clear")]
    [InlineData("room")]
    [InlineData("off")]
    public async Task WhatIsNotKeptAnyMore_IsAskedAgain(string reason)
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync(defaultKey: Key, cache: reason != "off", maxCachedKeys: reason == "room" ? 1 : 100);
        byte[] blob = await WrapAsync(backend, Object);
        byte[] other = await WrapAsync(backend, EncryptionContext.Empty);
        await backend.UnwrapAsync(blob, Object);
        switch (reason)
        {
            case "time":
                fixture.Clock.Pass(TimeSpan.FromMinutes(5));
                break;
            case "clear":
                backend.ClearCache();
                break;
            default:
                await backend.UnwrapAsync(other);
                break;
        }

        fixture.Vault.Requests.Clear();
        Assert.Equal(DataKey, (await backend.UnwrapAsync(blob, Object)).Plaintext);
        Assert.Equal(1, fixture.CountOf(Decrypt));
    }

    [Fact]
    public async Task WhatLeavesTheCache_IsWiped()
    {
        TransitSettings settings = new("transit", "secret", "p", CacheKeys: true, MaxCachedKeys: 1, TimeSpan.FromMinutes(5));
        using OpenedDataKeys opened = new(settings, TimeProvider.System);
        SecretBytes[] values = [SecretBytes.CopyOf(DataKey), SecretBytes.CopyOf(DataKey)];
        for (int i = 0; i < 2; i++)
        {
            (KmsError error, Lease<SecretBytes> lease) = await opened.GetAsync(
                EnvelopeOf($"vault:v1:{i}"), _ => Task.FromResult((KmsError.None, (SecretBytes?)values[i])), TestContext.Current.CancellationToken);
            Assert.Equal(KmsError.None, error);
            lease.Dispose();
        }

        Assert.True(values[0].IsDisposed);
        Assert.False(values[1].IsDisposed);
        opened.Clear();
        Assert.True(values[1].IsDisposed);
    }

    [Fact]
    public async Task Failure_IsNotKept()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] blob = await WrapAsync(backend, Object);
        fixture.Vault.Faults.Add(Fault.Refuse(500, Decrypt, times: 1));
        Assert.Equal(KmsError.BackendUnavailable, (await backend.UnwrapAsync(blob, Object)).Error);
        Assert.Equal(DataKey, (await backend.UnwrapAsync(blob, Object)).Plaintext);
    }

    [Fact]
    public async Task WithVaultAway_WhatIsKeptGoesOn_AndTheRestIsUnavailable()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        byte[] kept = await WrapAsync(backend, Object);
        byte[] notKept = await WrapAsync(backend, Object);
        await backend.UnwrapAsync(kept, Object);
        await fixture.Vault.StopAsync();

        Assert.Equal(DataKey, (await backend.UnwrapAsync(kept, Object)).Plaintext);
        Assert.Equal(KmsError.None, (await backend.FindAsync(Key)).Error);
        Assert.Equal(KmsError.BackendUnavailable, (await backend.UnwrapAsync(notKept, Object)).Error);
        Assert.Equal(KmsError.BackendUnavailable, (await backend.WrapAsync(Key)).Error);
        Assert.Equal(KmsError.BackendUnavailable, (await backend.FindAsync("another")).Error);

        await fixture.Vault.StartAgainAsync();
        Assert.Equal(DataKey, (await backend.UnwrapAsync(notKept, Object)).Plaintext);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public async Task DescriptionOfAKey_IsKept_AndSoIsThatThereIsNone()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        await backend.FindAsync(Key);
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("default")).Error);
        fixture.Vault.Requests.Clear();
        Assert.Equal(KmsError.None, (await backend.FindAsync(Key)).Error);
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("default")).Error);
        Assert.Equal(0, fixture.CountOf("*"));

        await backend.CreateAsync("default");
        Assert.Equal(KmsError.None, (await backend.FindAsync("default")).Error);
        Assert.Equal(KmsError.None, (await backend.WrapAsync("default")).Error);
    }

    [Fact]
    public async Task AKeyThatOthersMade_IsFoundSoon()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await OpenAsync(fixture);
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("late")).Error);
        fixture.Vault.Admin.CreateTransitKey("late");
        fixture.Clock.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(KmsError.None, (await backend.FindAsync("late")).Error);
    }

    private static Task<TransitBackend> OpenAsync(TransitFixture fixture) => fixture.OpenAsync(defaultKey: Key);

    private static async Task<byte[]> WrapAsync(TransitBackend backend, EncryptionContext context)
    {
        (KmsError error, _, byte[] blob) = await backend.WrapAsync(Key, EnvelopeForm.RustFs, context);
        Assert.Equal(KmsError.None, error);
        return blob;
    }

    private static Envelope EnvelopeOf(string ciphertext) => new()
    {
        DataKeyId = "d",
        MasterKeyId = Key,
        KeySpec = "AES_256",
        EncryptedKey = Encoding.ASCII.GetBytes(ciphertext),
        Nonce = [],
        Context = EncryptionContext.Empty,
        CreatedAt = "2026-01-01T00:00:00+00:00[UTC]",
        Form = EnvelopeForm.RustFs,
    };
}
