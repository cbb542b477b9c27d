using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>A change of the backend never makes an object unreadable; and the way back.</summary>
public sealed class BackendChangeTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ServiceUnderTest _service;

    public BackendChangeTests() => _service = new ServiceUnderTest(_directory.FullPath);

    public void Dispose()
    {
        _service.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task FormerBackends_OpenWhatTheyWrapped()
    {
        await _service.RunAsync("/a");
        byte[] a = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        byte[] b = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/c"}""");

        Assert.Equal(KmsError.None, await _service.OpenAsync(a));
        Assert.Equal(KmsError.None, await _service.OpenAsync(b));
        Assert.Equal(["/b", "/a"], DecryptOnly());
    }

    [Fact]
    public async Task ReturningToABackend_TakesItOffTheDecryptOnlyList()
    {
        await _service.RunAsync("/a");
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");

        await _service.ReconfigureAsync("""{"key_dir":"/a"}""");

        Assert.Equal(["/b"], DecryptOnly());
    }

    [Fact]
    public async Task DecryptOnlyBackendThatIsAway_FailsItsOwnEnvelopes_AndNoOthers()
    {
        await _service.RunAsync("/a");
        byte[] a = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b","default_key_id":"other"}""");
        byte[] b = (await _service.WrapAsync()).Blob;
        _service.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");

        await _service.StartAsync(force: true);

        Assert.Equal(KmsError.BackendUnavailable, await _service.OpenAsync(a));
        Assert.Equal(KmsError.None, await _service.OpenAsync(b));
        Assert.Equal(ServiceState.Running, _service.State);
        Assert.Contains("decrypt-only backend local /a cannot be opened", _service.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DecryptOnlyBackends_SurviveARestart()
    {
        await _service.RunAsync("/a");
        byte[] a = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        _service.Dispose();

        using ServiceUnderTest again = new(_directory.FullPath, _service.Places);

        Assert.Equal(KmsError.None, await again.OpenAsync(a));
    }

    [Fact]
    public async Task Rollback_GoesBackOne_AndOneMore()
    {
        await _service.RunAsync("/a");
        await _service.CreateKeyAsync("second");
        await _service.ReconfigureAsync("""{"default_key_id":"second"}""");
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":600}""");

        Assert.Equal(2, await _service.RollbackAsync());
        Assert.Equal("second", _service.DefaultKeyId);
        Assert.Null(Ttl());

        Assert.Equal(1, await _service.RollbackAsync());
        Assert.Equal("master", _service.DefaultKeyId);

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => _service.RollbackAsync());
        Assert.Equal(KmsError.WrongState, refused.Error);
    }

    [Fact]
    public async Task RollbackAfterAChange_ReturnsToWhatWasBeforeTheChange()
    {
        await _service.RunAsync("/a");
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":2}""");
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":3}""");
        await _service.RollbackAsync();
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":5}""");

        await _service.RollbackAsync();

        Assert.Equal(2, Ttl());
    }

    [Fact]
    public async Task RollbackOfABackend_KeepsTheOneItLeaves()
    {
        await _service.RunAsync("/a");
        byte[] a = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        byte[] b = (await _service.WrapAsync()).Blob;

        await _service.RollbackAsync();

        Assert.Equal(KmsError.None, await _service.OpenAsync(a));
        Assert.Equal(KmsError.None, await _service.OpenAsync(b));
        Assert.Equal(["/b"], DecryptOnly());
    }

    [Fact]
    public async Task RollbackToWhatNoLongerWorks_ChangesNothing()
    {
        await _service.RunAsync("/a");
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        await _service.StartAsync(force: true);
        _service.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "gone");
        await _service.StartAsync(force: true);

        await Assert.ThrowsAsync<KmsException>(() => _service.RollbackAsync());

        Assert.Equal("/b", _service.Look(static snapshot => snapshot.Configuration!.KeyDirectory));
    }

    [Fact]
    public async Task TenGenerationsAreKept_AndAnyOfThemCanBeNamed()
    {
        await _service.RunAsync("/a");
        for (int i = 2; i <= 13; i++)
        {
            await _service.ReconfigureAsync($$"""{"cache_ttl_seconds":{{i}}}""");
        }

        Assert.Equal(Enumerable.Range(4, 10).Reverse().Select(static i => (long)i), Kept());
        await _service.RollbackAsync(4);
        Assert.Equal(4, Ttl());

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => _service.RollbackAsync(3));
        Assert.Equal(KmsError.KeyNotFound, refused.Error);
        Assert.Contains("generation 3", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SwapsUnderLoad_NeverDisposeABackendInUse_AndNeverMixConfigurations()
    {
        await _service.RunAsync("/a");
        byte[] blob = (await _service.WrapAsync()).Blob;
        using CancellationTokenSource end = new();
        Task[] readers =
        [
            .. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                while (!end.IsCancellationRequested)
                {
                    Assert.Equal(KmsError.None, (await _service.WrapAsync()).Error);
                    Assert.Equal(KmsError.None, await _service.OpenAsync(blob));
                    Assert.True(_service.Look(static snapshot =>
                        snapshot.Configuration!.KeyDirectory == snapshot.Backends[0].Document.Text(ConfigurationField.KeyDir)));
                }
            })),
        ];

        for (int i = 1; i <= 150; i++)
        {
            await _service.ReconfigureAsync($$"""{"key_dir":"/{{(i % 2 == 0 ? 'a' : 'b')}}","cache_ttl_seconds":{{i}}}""");
        }

        await end.CancelAsync();
        await Task.WhenAll(readers);
        Assert.Equal(2, _service.Opened.Count(static backend => !backend.IsDisposed));
    }

    private long? Ttl() => _service.Look(static snapshot => snapshot.Document!.Number(ConfigurationField.CacheTtlSeconds));

    private string?[] DecryptOnly() => _service.Look(static snapshot =>
        snapshot.Backends.Skip(1).Select(static mount => mount.Document.Text(ConfigurationField.KeyDir)).ToArray());

    private List<long> Kept()
    {
        List<long> numbers = [];
        foreach (StoredGeneration stored in _service.Store.LoadAll())
        {
            using StoredGeneration generation = stored;
            numbers.Add(generation.Number);
        }

        return numbers;
    }
}
