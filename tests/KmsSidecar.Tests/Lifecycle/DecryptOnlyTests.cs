using System.Text;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>Names of decrypt-only backends, when they were last used, and how they are dropped.</summary>
public sealed class DecryptOnlyTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SteppedClock _clock = new();
    private ServiceUnderTest _service;

    public DecryptOnlyTests() => _service = new ServiceUnderTest(_directory.FullPath, clock: _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _service.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Name_IsTheLastGenerationThatWasActive_AndStaysThroughEverything()
    {
        await _service.RunAsync("/a");
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":7}""");
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        Assert.Equal(["local-2"], Names());

        await _service.ReconfigureAsync("""{"backend_type":"static","default_key_id":null}""");
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":8}""");
        Assert.Equal(["local-3", "local-2"], Names());

        Restart();
        Assert.Equal(["local-3", "local-2"], Names());

        await _service.RollbackAsync(3);
        Assert.Equal(["static-5", "local-2"], Names());
    }

    [Fact]
    public async Task LastUse_IsNullUntilItOpensSomething_AndSurvivesARestart()
    {
        await _service.RunAsync("/a");
        byte[] blob = (await _service.WrapAsync()).Blob;
        await _service.OpenAsync(blob);
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        Assert.Null(LastUsedAt());

        _clock.Advance(TimeSpan.FromHours(1));
        await _service.OpenAsync(blob);
        DateTimeOffset used = _clock.GetUtcNow();
        Assert.Equal(used, LastUsedAt());

        _clock.Advance(TimeSpan.FromHours(1));
        await _service.ReconfigureAsync("""{"cache_ttl_seconds":7}""");
        await _service.StartAsync(force: true);
        Assert.Equal(used, LastUsedAt());

        Restart();
        Assert.Equal(used, LastUsedAt());
    }

    [Fact]
    public async Task Drop_IsRefusedInTheGraceAfterTheChangeAndAfterTheLastUse()
    {
        await _service.RunAsync("/a");
        byte[] blob = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b","decrypt_only_grace_days":10}""");

        _clock.Advance(TimeSpan.FromDays(9.9));
        KmsException unused = await Assert.ThrowsAsync<KmsException>(() => DropAsync("local-1"));
        Assert.Equal(KmsError.WrongState, unused.Error);
        Assert.Contains("has opened nothing yet", unused.Message, StringComparison.Ordinal);

        await _service.OpenAsync(blob);
        _clock.Advance(TimeSpan.FromDays(0.2));
        KmsException used = await Assert.ThrowsAsync<KmsException>(() => DropAsync("local-1"));
        Assert.Contains("holds 1 keys and opened an envelope at ", used.Message, StringComparison.Ordinal);
        Assert.Contains("""{"force":true}""", used.Message, StringComparison.Ordinal);
        Assert.Equal(KmsError.None, await _service.OpenAsync(blob));
        Assert.Equal(2, _service.Look(static snapshot => snapshot.Generation));
        Assert.Equal(_clock.GetUtcNow(), LastUsedAt());

        _clock.Advance(TimeSpan.FromDays(10));
        await DropAsync("local-1");
        Assert.Empty(Names());
    }

    [Fact]
    public async Task ForcedDrop_IsAGenerationOfItsOwn_AndClosesTheBackend()
    {
        await _service.RunAsync("/a");
        byte[] blob = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");

        await DropAsync("local-1", force: true);

        Assert.Empty(Names());
        Assert.NotEqual(KmsError.None, await _service.OpenAsync(blob));
        Assert.Single(_service.Opened, static backend => !backend.IsDisposed);
        using (StoredGeneration stored = _service.Store.LoadNewest()!)
        {
            Assert.Equal(("drop", 3L, 2L), (stored.Action, stored.Number, stored.Parent));
            Assert.Equal(["decrypt_only"], stored.Changed.AsEnumerable());
        }

        Restart();
        Assert.Empty(Names());
    }

    [Fact]
    public async Task RollbackToBeforeADrop_BringsTheBackendBackUnderItsName_WithANewGrace()
    {
        await _service.RunAsync("/a");
        byte[] blob = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b","decrypt_only_grace_days":10}""");
        _clock.Advance(TimeSpan.FromDays(11));
        await DropAsync("local-1");

        await _service.RollbackAsync();

        Assert.Equal(["local-1"], Names());
        Assert.Equal(KmsError.None, await _service.OpenAsync(blob));
        Assert.Equal(_clock.GetUtcNow(), _service.Look(static snapshot => snapshot.DecryptOnly[0].Since));
        await Assert.ThrowsAsync<KmsException>(() => DropAsync("local-1"));
    }

    [Fact]
    public async Task Drop_OfAnUnknownName_ChangesNothing()
    {
        await _service.RunAsync("/a");

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => DropAsync("local-1", force: true));

        Assert.Equal(KmsError.KeyNotFound, refused.Error);
        Assert.Equal(1, _service.Look(static snapshot => snapshot.Generation));
    }

    [Fact]
    public async Task DropWhileStopped_KeepsItStopped()
    {
        await _service.RunAsync("/a");
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        await _service.StopAsync();

        await DropAsync("local-1", force: true);

        Assert.Equal(ServiceState.Configured, _service.State);
        Restart();
        Assert.Equal(ServiceState.Configured, _service.State);
        Assert.Empty(Names());
    }

    [Fact]
    public async Task DamagedTimesOfUse_CountAsUsedNow()
    {
        await _service.RunAsync("/a");
        byte[] blob = (await _service.WrapAsync()).Blob;
        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        await _service.OpenAsync(blob);
        _service.Dispose();
        string file = Directory.EnumerateFiles(_directory.FullPath, "last-uses", SearchOption.AllDirectories).Single();
        byte[] content = File.ReadAllBytes(file);
        content[^1] ^= 1;
        File.WriteAllBytes(file, content);
        _clock.Advance(TimeSpan.FromDays(400));

        _service = new ServiceUnderTest(_directory.FullPath, _service.Places, clock: _clock);

        Assert.Contains("last-uses", _service.Log.Text, StringComparison.Ordinal);
        await Assert.ThrowsAsync<KmsException>(() => DropAsync("local-1"));
    }

    [Fact]
    public void StoredByAnEarlierVersion_IsReadAndNamed()
    {
        const string Text = """
            {"number":7,"parent":6,"saved_at":"2026-01-02T03:04:05.0000000+00:00","action":"reconfigure","by":"uid 0","from":"admin socket","running":true,
             "changed":["key_dir"],"configuration":{"backend_type":"local","key_dir":"/c"},
             "decrypt_only":[{"backend_type":"static"},{"backend_type":"local","key_dir":"/a","master_key":"a password"}]}
            """;

        using StoredGeneration stored = StoredGeneration.Read(Encoding.UTF8.GetBytes(Text));

        Assert.Equal(["static-6", "local-5"], stored.DecryptOnly.Select(static entry => entry.Name));
        Assert.All(stored.DecryptOnly, entry => Assert.Equal(stored.SavedAt, entry.Since));
        Assert.Equal("/a", stored.DecryptOnly[1].Document.Text(ConfigurationField.KeyDir));
        Assert.NotNull(stored.DecryptOnly[1].Document.Secret(ConfigurationField.MasterKey));
    }

    private void Restart()
    {
        _service.Dispose();
        _service = new ServiceUnderTest(_directory.FullPath, _service.Places, clock: _clock);
    }

    private Task DropAsync(string name, bool force = false) =>
        _service.Service.DropDecryptOnlyAsync(name, force, ServiceUnderTest.Operator, Cancellation);

    private string[] Names() => _service.Look(static snapshot => snapshot.DecryptOnly.Select(static entry => entry.Name).ToArray());

    private DateTimeOffset? LastUsedAt() => _service.Look(snapshot => snapshot.DecryptOnly[0].LastUsedAt(_clock.GetUtcNow()));

    /// <summary>Moves when told to.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public void Advance(TimeSpan by) => _now = DateTimeOffset.FromUnixTimeSeconds((_now + by).ToUnixTimeSeconds());

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
