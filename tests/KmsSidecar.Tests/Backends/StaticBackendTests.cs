using System.Text;
using KmsSidecar.Backends.Static;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class StaticBackendTests : KeyBackendContract, IDisposable
{
    private static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private readonly StaticBackend _backend = Of($"{KeyId}:{Convert.ToBase64String(new byte[32])}");

    private protected override IKeyBackend Backend => _backend;

    public void Dispose() => _backend.Dispose();

    [Fact]
    public async Task RecordedDataKeys_AllOpen()
    {
        using StaticBackend recorded = Of(RecordedKeys.StaticSecret);
        Assert.Equal(12, RecordedKeys.StaticDataKeys.Length);
        foreach (RecordedDataKey key in RecordedKeys.StaticDataKeys)
        {
            Assert.Equal(key.Plaintext, (await recorded.UnwrapAsync(key.Blob, key.Context)).Plaintext);
            Assert.Equal(key.Plaintext, (await recorded.UnwrapAsync(key.Blob)).Plaintext);
        }
    }

    [Fact]
    public async Task EditedContext_DoesNotOpen_EvenWhenTheRequestRepeatsIt()
    {
        (_, _, byte[] blob) = await Backend.WrapAsync(KeyId, EnvelopeForm.RustFs, BackendCalls.Context(("bucket", "mine")));
        byte[] edited = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(blob).Replace("mine", "your", StringComparison.Ordinal));
        Assert.Equal(KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(edited, BackendCalls.Context(("bucket", "your")))).Error);
    }

    [Fact]
    public async Task Description_IsRustFss()
    {
        (_, KeyDescription? key) = await Backend.FindAsync(KeyId);
        Assert.Equal("Static single-key KMS backend", key!.Description);
        Assert.Equal(("EXTERNAL", "STATIC", 1u), (key.Origin, key.Manager, key.Version));
        Assert.Equal("2026-01-02T03:04:05+00:00[UTC]", key.CreatedAt);
    }

    [Fact]
    public async Task CreateOfAnotherKey_IsUnsupported()
    {
        KmsException e = await Assert.ThrowsAsync<KmsException>(() => Backend.CreateAsync("another"));
        Assert.Equal(KmsError.Unsupported, e.Error);
        Assert.Equal("Static KMS is read-only: cannot create new keys", e.Message);
    }

    private static StaticBackend Of(string secret)
    {
        using StaticKey key = StaticKey.Parse(Encoding.UTF8.GetBytes(secret));
        return new StaticBackend(key, Clock);
    }
}
