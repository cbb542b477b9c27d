using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

public sealed class KmsServiceTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ServiceUnderTest _service;

    public KmsServiceTests() => _service = new ServiceUnderTest(_directory.FullPath);

    /// <summary>State before, call, state after, error.</summary>
    public static TheoryData<string, string, string, string> Transitions => new()
    {
        { "NotConfigured", "configure", "Configured", "None" },
        { "NotConfigured", "reconfigure", "Configured", "None" },
        { "NotConfigured", "start", "NotConfigured", "WrongState" },
        { "NotConfigured", "force", "NotConfigured", "WrongState" },
        { "NotConfigured", "stop", "NotConfigured", "None" },
        { "NotConfigured", "rollback", "NotConfigured", "WrongState" },
        { "NotConfigured", "key", "NotConfigured", "NotRunning" },
        { "Configured", "configure", "Configured", "None" },
        { "Configured", "reconfigure", "Configured", "None" },
        { "Configured", "start", "Running", "None" },
        { "Configured", "force", "Running", "None" },
        { "Configured", "stop", "Configured", "None" },
        { "Configured", "rollback", "Configured", "WrongState" },
        { "Configured", "key", "Configured", "NotRunning" },
        { "Running", "configure", "Running", "WrongState" },
        { "Running", "reconfigure", "Running", "None" },
        { "Running", "start", "Running", "WrongState" },
        { "Running", "force", "Running", "None" },
        { "Running", "stop", "Configured", "None" },
        { "Running", "rollback", "Running", "WrongState" },
        { "Running", "key", "Running", "None" },
        { "Error", "configure", "Configured", "None" },
        { "Error", "reconfigure", "Configured", "None" },
        { "Error", "start", "Error", "BackendUnavailable" },
        { "Error", "stop", "Configured", "None" },
        { "Error", "key", "Error", "NotRunning" },
    };

    public void Dispose()
    {
        _service.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Transitions))]
    public async Task Call_LeadsFromState_ToState(string before, string call, string after, string error)
    {
        await ReachAsync(before);
        Assert.Equal(before, _service.State.ToString());

        KmsException? refused = await Record.ExceptionAsync(() => CallAsync(call)) as KmsException;

        Assert.Equal(error, (refused?.Error ?? KmsError.None).ToString());
        Assert.Equal(after, _service.State.ToString());
    }

    [Fact]
    public async Task FailedStart_SaysWhy_AndASecondOneRecovers()
    {
        await ReachAsync("Error");

        Assert.Equal("away", _service.Look(static snapshot => snapshot.Error));

        _service.Place("/a").Fault = null;
        await _service.StartAsync();
        Assert.Equal(ServiceState.Running, _service.State);
        Assert.Null(_service.Look(static snapshot => snapshot.Error));
    }

    [Fact]
    public async Task FailedForcedStart_LeavesTheRunningServiceAsItIs()
    {
        await _service.RunAsync("/a");
        (_, _, byte[] blob) = await _service.WrapAsync();
        _service.Place("/a").Fault = new KmsException(KmsError.BackendUnavailable, "away");

        await Assert.ThrowsAsync<KmsException>(() => _service.StartAsync(force: true));

        Assert.Equal(ServiceState.Running, _service.State);
        Assert.Equal(KmsError.None, await _service.OpenAsync(blob));
    }

    [Fact]
    public async Task StoppedService_FinishesWhatIsInFlight_AndThenDisposes()
    {
        await _service.RunAsync("/a");
        SnapshotLease inFlight = _service.Service.Acquire();

        await _service.StopAsync();

        Assert.Equal(KmsError.NotRunning, (await _service.WrapAsync()).Error);
        Assert.True(inFlight.Snapshot.IsRunning);
        Assert.False(_service.Opened[0].IsDisposed);
        inFlight.Dispose();
        Assert.True(_service.Opened[0].IsDisposed);
    }

    [Fact]
    public async Task CacheKnobs_KeepTheBackend_AndAnotherDirectoryOpensOne()
    {
        await _service.RunAsync("/a");

        await _service.ReconfigureAsync("""{"cache_ttl_seconds":600,"timeout_seconds":20,"envelope_form":"rustfs"}""");
        Assert.Single(_service.Opened);

        await _service.ReconfigureAsync("""{"key_dir":"/b"}""");
        Assert.Equal(2, _service.Opened.Count);
        Assert.False(_service.Opened[0].IsDisposed, "the former backend goes on as decrypt-only");

        await _service.StartAsync(force: true);
        Assert.Equal(4, _service.Opened.Count);
        Assert.All(_service.Opened.Take(2), static backend => Assert.True(backend.IsDisposed));
    }

    [Fact]
    public async Task DefaultKey_IsMadeAtStart()
    {
        await _service.RunAsync("/a");

        Assert.True(_service.Place("/a").Material.ContainsKey("master"));
        Assert.Equal("master", (await _service.WrapAsync()).KeyId);
    }

    [Fact]
    public async Task DefaultKeyThatDoesNotExist_IsNotMadeByAReconfigure()
    {
        await _service.RunAsync("/a");

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => _service.ReconfigureAsync("""{"default_key_id":"tpyo"}"""));

        Assert.Equal(KmsError.KeyNotFound, refused.Error);
        Assert.Contains("'tpyo'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("POST", refused.Message, StringComparison.Ordinal);
        Assert.Equal("master", _service.DefaultKeyId);
        Assert.False(_service.Place("/a").Material.ContainsKey("tpyo"));
    }

    [Fact]
    public async Task DisabledDefaultKey_IsRefusedByAReconfigure_ButDoesNotStopAStart()
    {
        await _service.RunAsync("/a");
        await _service.CreateKeyAsync("off");
        _service.Place("/a").Disabled.Add("off");
        _service.Place("/a").Disabled.Add("master");

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => _service.ReconfigureAsync("""{"default_key_id":"off"}"""));
        await _service.StartAsync(force: true);

        Assert.Equal(KmsError.KeyDisabled, refused.Error);
        Assert.Equal(ServiceState.Running, _service.State);
    }

    [Fact]
    public async Task DisabledDefaultKey_IsRefusedByASwitchOfTheBackendToo()
    {
        await _service.RunAsync("/b");
        _service.Place("/b").Disabled.Add("master");
        await _service.ReconfigureAsync("""{"key_dir":"/a"}""");

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => _service.ReconfigureAsync("""{"key_dir":"/b"}"""));

        Assert.Equal(KmsError.KeyDisabled, refused.Error);
        Assert.Contains("'master'", refused.Message, StringComparison.Ordinal);
        Assert.Equal(KmsError.None, (await _service.WrapAsync()).Error);
    }

    [Fact]
    public async Task FilePermissions_OpenTheDirectoryAnew_AndMakeNoFormerBackendOfIt()
    {
        await _service.RunAsync("/a");

        await _service.ReconfigureAsync("""{"file_permissions":256}""");

        Assert.Equal(2, _service.Opened.Count);
        Assert.True(_service.Opened[0].IsDisposed);
        Assert.Equal(1, _service.Look(static snapshot => snapshot.Backends.Length));
    }

    [Fact]
    public async Task DamagedDefaultKey_DoesNotStopAStart()
    {
        await _service.RunAsync("/a");
        _service.Place("/a").Damaged.Add("master");

        await _service.StartAsync(force: true);

        Assert.Equal(ServiceState.Running, _service.State);
    }

    [Theory]
    [InlineData("""{"no_such":1}""")]
    [InlineData("""{"key_dir":"relative"}""")]
    [InlineData("""{"default_key_id":"tpyo"}""")]
    [InlineData("""{"key_dir":"/away"}""")]
    [InlineData("""{"backend_type":"vault"}""")]
    public async Task FailedReconfigure_ChangesNothing(string body)
    {
        await _service.RunAsync("/a");
        (_, _, byte[] blob) = await _service.WrapAsync();
        _service.Place("/away").Fault = new KmsException(KmsError.StorageFailed, "away");
        Snapshot before = _service.Look(static snapshot => snapshot);
        string[] files = Files();

        await Assert.ThrowsAsync<KmsException>(() => _service.ReconfigureAsync(body));

        Assert.Same(before, _service.Look(static snapshot => snapshot));
        Assert.Equal(files, Files());
        Assert.Equal(KmsError.None, await _service.OpenAsync(blob));
        Assert.Single(_service.Opened, static backend => !backend.IsDisposed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restart_BringsBackConfigurationAndRunState(bool running)
    {
        await _service.RunAsync("/a");
        (_, _, byte[] blob) = await _service.WrapAsync();
        if (!running)
        {
            await _service.StopAsync();
        }

        _service.Dispose();
        using ServiceUnderTest again = new(_directory.FullPath, _service.Places);

        Assert.Equal(running ? ServiceState.Running : ServiceState.Configured, again.State);
        Assert.Equal("master", again.Look(static snapshot => snapshot.Configuration!.DefaultKeyId));
        Assert.Equal(running ? KmsError.None : KmsError.NotRunning, await again.OpenAsync(blob));
    }

    [Fact]
    public async Task RestartWithoutTheBackend_IsAnError_AndTheNextStartMendsIt()
    {
        await _service.RunAsync("/a");
        _service.Dispose();
        _service.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");

        using ServiceUnderTest again = new(_directory.FullPath, _service.Places);
        Assert.Equal(ServiceState.Error, again.State);
        Assert.Contains("not mounted", again.Log.Text, StringComparison.Ordinal);

        again.Place("/a").Fault = null;
        await again.StartAsync();
        Assert.Equal(ServiceState.Running, again.State);
    }

    [Fact]
    public async Task ConfigureAfterAFailedRestore_DoesNotStartAtTheNextRestart()
    {
        await _service.RunAsync("/a");
        _service.Dispose();
        _service.Place("/a").Fault = new KmsException(KmsError.StorageFailed, "not mounted");
        using (ServiceUnderTest again = new(_directory.FullPath, _service.Places))
        {
            await again.ConfigureAsync(ServiceUnderTest.Local("/b"));
        }

        using ServiceUnderTest last = new(_directory.FullPath, _service.Places);

        Assert.Equal(ServiceState.Configured, last.State);
    }

    [Fact]
    public async Task EveryChange_IsLogged_WithoutItsSecret()
    {
        await _service.ConfigureAsync("""{"backend_type":"local","key_dir":"/a","master_key":"hush-hush-hush"}""");
        await _service.StartAsync();
        await _service.ReconfigureAsync("""{"master_key":"hush-hush-two"}""");

        Assert.Contains("reconfigure: generation 2 is in effect, backend local /a, changed [master_key], by access key tester", _service.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", _service.Log.Text, StringComparison.Ordinal);
    }

    private string[] Files() => [.. Directory.GetFiles(_directory.PathOf("configuration")).Order(StringComparer.Ordinal)];

    private async Task ReachAsync(string state)
    {
        if (state == "NotConfigured")
        {
            return;
        }

        await _service.ConfigureAsync(ServiceUnderTest.Local("/a"));
        if (state == "Running")
        {
            await _service.StartAsync();
        }
        else if (state == "Error")
        {
            _service.Place("/a").Fault = new KmsException(KmsError.BackendUnavailable, "away");
            await Assert.ThrowsAsync<KmsException>(() => _service.StartAsync());
        }
    }

    private Task CallAsync(string call) => call switch
    {
        "configure" => _service.ConfigureAsync(ServiceUnderTest.Local("/a")),
        "reconfigure" => _service.ReconfigureAsync(ServiceUnderTest.Local("/a")),
        "start" => _service.StartAsync(),
        "force" => _service.StartAsync(force: true),
        "stop" => _service.StopAsync(),
        "rollback" => _service.RollbackAsync(),
        "key" => _service.CreateKeyAsync("k"),
        _ => throw new ArgumentOutOfRangeException(nameof(call)),
    };
}
