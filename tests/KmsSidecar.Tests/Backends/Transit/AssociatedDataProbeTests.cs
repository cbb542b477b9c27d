using KmsSidecar.Backends.Transit;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;
using static KmsSidecar.Tests.Backends.BackendCalls;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>Servers that honour associated data, in batches not, not at all, and those that cannot be asked.</summary>
public sealed class AssociatedDataProbeTests
{
    private const string Key = "probed";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhereItIsHonoured_CallersShareCalls()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync(defaultKey: Key);
        Assert.Empty(fixture.Notices);
        Assert.Contains(await BatchSizesOfACrowdAsync(fixture, backend), static size => size > 1);
    }

    [Fact]
    public async Task WhereItIsIgnoredInBatches_EachGoesAlone_AndItIsSaid()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Faults.Add(Fault.IgnoreAssociatedData("transit/*", inBatchesOnly: true));
        TransitBackend backend = await fixture.OpenAsync(defaultKey: Key);
        Assert.Contains("does not honour associated_data in batches", Assert.Single(fixture.Notices), StringComparison.Ordinal);
        Assert.All(await BatchSizesOfACrowdAsync(fixture, backend), static size => Assert.Equal(0, size));
    }

    [Theory]
    [InlineData("transit/encrypt/*")]
    [InlineData("transit/decrypt/*")]
    public async Task WhereOneDirectionIgnoresItInBatches_EachGoesAlone(string direction)
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Faults.Add(Fault.IgnoreAssociatedData(direction, inBatchesOnly: true));
        TransitBackend backend = await fixture.OpenAsync(defaultKey: Key);
        Assert.All(await BatchSizesOfACrowdAsync(fixture, backend), static size => Assert.Equal(0, size));
    }

    [Theory]
    [InlineData("transit/*")]
    [InlineData("transit/encrypt/*")]
    [InlineData("transit/decrypt/*")]
    public async Task WhereItIsIgnored_NothingOpens(string direction)
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Faults.Add(Fault.IgnoreAssociatedData(direction));
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => fixture.OpenAsync(defaultKey: Key));
        Assert.Equal(KmsError.BackendRejected, refused.Error);
        Assert.Contains("ignores associated_data in Transit mount 'transit'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutADefaultKey_TheFirstKeyIsProbed_BeforeAnythingIsWrapped()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        fixture.Vault.Faults.Add(Fault.IgnoreAssociatedData("transit/*"));
        TransitBackend backend = await fixture.OpenAsync();
        (KmsError error, _, byte[] blob) = await backend.WrapAsync(Key, EnvelopeForm.RustFs, Context(("a", "b")));
        Assert.Equal(KmsError.BackendRejected, error);
        Assert.Empty(blob);
        Assert.Contains(fixture.Notices, static notice => notice.Contains("ignores associated_data", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AFaultOnTheWay_IsNoVerdict()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        TransitBackend backend = await fixture.OpenAsync();
        fixture.Vault.Faults.Add(Fault.Refuse(500, "transit/decrypt/*", times: 1));
        Assert.Equal(KmsError.BackendUnavailable, (await backend.WrapAsync(Key)).Error);
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public async Task ABackendThatOnlyOpens_IsProbedBesideItsWork()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        byte[] blob = (await (await fixture.OpenAsync(defaultKey: Key)).WrapAsync(Key)).Blob;
        TransitBackend former = await fixture.OpenAsync(mode: OpenMode.Existing, defaultKey: Key);
        fixture.Vault.Requests.Clear();
        Assert.Equal(DataKey, (await former.UnwrapAsync(blob)).Plaintext);
        await fixture.Vault.Requests.WaitForAsync(2, "transit/encrypt/*", cancellation: Cancellation);
    }

    [Fact]
    public async Task ATokenThatMayOnlyDecrypt_Decrypts()
    {
        await using TransitFixture fixture = await TransitFixture.StartAsync(Key);
        byte[] blob = (await (await fixture.OpenAsync(defaultKey: Key)).WrapAsync(Key)).Blob;
        fixture.Vault.Admin.WritePolicy("opens", """path "transit/decrypt/*" { capabilities = ["update"] }""");
        string token = fixture.Vault.Admin.CreateToken(["opens"]);
        TransitBackend former = await fixture.OpenAsync(mode: OpenMode.Existing, defaultKey: Key, token: token, cache: false);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(DataKey, (await former.UnwrapAsync(blob)).Plaintext);
        }

        Assert.Equal(KmsError.BackendRejected, (await former.WrapAsync(Key)).Error);
    }

    /// <summary>Sizes of the batches of many who wrap at once: 0 is a call that is none.</summary>
    private static async Task<IEnumerable<int>> BatchSizesOfACrowdAsync(TransitFixture fixture, TransitBackend backend)
    {
        await backend.WrapAsync(Key);
        fixture.Vault.Requests.Clear();
        Fault hang = Fault.Hang("transit/encrypt/*");
        fixture.Vault.Faults.Add(hang);
        Task<(KmsError Error, uint Version, byte[] Blob)>[] callers = [.. Enumerable.Range(0, 10).Select(_ => backend.WrapAsync(Key))];
        await fixture.Vault.Requests.WaitForAsync(2, "transit/encrypt/*", cancellation: Cancellation);
        fixture.Vault.Faults.Clear(hang);
        Assert.All(await Task.WhenAll(callers), static wrapped => Assert.Equal(KmsError.None, wrapped.Error));
        return fixture.Vault.Requests.Of("transit/encrypt/*").Select(static request => request.BatchSize);
    }
}
