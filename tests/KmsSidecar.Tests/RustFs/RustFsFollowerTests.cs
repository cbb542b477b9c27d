using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.RustFs;

public sealed class RustFsFollowerTests
{
    [Fact]
    public async Task Start_PassesTheDefaultKeyOn_AndKeepsTheCache()
    {
        await using RustFsDouble rustFs = new();
        await using FollowerUnderTest test = new(rustFs.Endpoint);

        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.DefaultKeyId == "master");

        Assert.Equal("master", rustFs.DefaultKeyId);
        Assert.Null(test.Status.LastError);
        Assert.Equal(["status", "config", "reconfigure"], rustFs.Requests.Select(static request => request.Path["/rustfs/admin/v3/kms/".Length..]));
        Assert.All(rustFs.Requests, static request => Assert.True(request.IsSigned));
        Assert.Equal(
            """{"backend_type":"aws","region":"us-east-1","endpoint_url":"https://localhost:9021","default_key_id":"master","enable_cache":true,"max_cached_keys":1000,"cache_ttl_seconds":900}""",
            Assert.Single(rustFs.Reconfigures).Json.GetRawText());
        Assert.Contains(test.Service.Log.Lines, static line => line.Level == LogLevel.Information && line.Text.Contains("has default key master"));
    }

    [Fact]
    public async Task DefaultKeyThatRustFsHasAlready_IsNotSetAgain()
    {
        await using RustFsDouble rustFs = new() { DefaultKeyId = "master" };
        await using FollowerUnderTest test = new(rustFs.Endpoint);

        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.DefaultKeyId == "master");

        Assert.Empty(rustFs.Reconfigures);
    }

    [Fact]
    public async Task ManyChanges_EndWithTheLast()
    {
        await using RustFsDouble rustFs = new();
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();

        for (int i = 0; i < 50; i++)
        {
            await test.UseAsync(i % 2 == 0 ? "other" : "master");
        }

        await test.UseAsync("other");
        await FollowerUnderTest.UntilAsync(() => test.Status.DefaultKeyId == "other" && rustFs.DefaultKeyId == "other");
        Assert.Null(test.Status.LastError);
    }

    [Fact]
    public async Task RustFsThatIsDown_IsAskedAgain_AndLoggedOnce()
    {
        RustFsDouble gone = new();
        await gone.DisposeAsync();
        await using FollowerUnderTest test = new(gone.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.LastError is not null);
        Assert.Equal($"nothing listens on {gone.Endpoint.GetLeftPart(UriPartial.Authority)}: RustFS is not there, or --rustfs-endpoint names another port", test.Status.LastError);
        for (int i = 0; i < 100; i++)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
            test.Clock.Pass(TimeSpan.FromSeconds(1));
        }

        await using RustFsDouble there = new(gone.Port);
        await test.PassUntilAsync(() => test.Status is { DefaultKeyId: "master", LastError: null }, there);

        Assert.Single(test.Service.Log.Lines, static line => line.Level == LogLevel.Warning && line.Text.Contains("is asked again"));
    }

    [Fact]
    public async Task RustFsThatIsRestartedWithItsOldKey_IsMendedAtTheNextLook()
    {
        await using RustFsDouble rustFs = new();
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => rustFs.Reconfigures.Count == 1 && test.Status.DefaultKeyId == "master");

        rustFs.DefaultKeyId = "alias/default";
        await test.PassUntilAsync(() => rustFs.Reconfigures.Count == 2 && rustFs.DefaultKeyId == "master", rustFs);

        Assert.True(test.Clock.GetUtcNow() >= new DateTimeOffset(2026, 1, 1, 0, 1, 0, TimeSpan.Zero));
    }

    [Fact]
    public async Task NewDefaultKey_IsPassedOnAtOnce_AlsoInAPause()
    {
        await using RustFsDouble rustFs = new() { Fault = RustFsFault.NotReady };
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.LastError is not null);

        rustFs.Fault = RustFsFault.None;
        await test.UseAsync("other");

        // No time passes on the clock.
        await FollowerUnderTest.UntilAsync(() => test.Status is { DefaultKeyId: "other", LastError: null });
    }

    [Theory]
    [InlineData(nameof(RustFsFault.NotReady), "RustFS answers GET kms/status with 503 ServiceUnavailable: server context is not ready")]
    [InlineData(nameof(RustFsFault.NotRunning), "RustFS's KMS is not running: start RustFS with RUSTFS_KMS_ENABLE=true and RUSTFS_KMS_BACKEND=aws")]
    [InlineData(nameof(RustFsFault.RefusesReconfigure), "RustFS refuses the reconfigure: Failed to reconfigure KMS: Configuration error: [31m no")]
    [InlineData(nameof(RustFsFault.RefusesCredentials), "RustFS refuses the credentials with 403 InvalidAccessKeyId: The Access Key Id")]
    [InlineData(nameof(RustFsFault.IsTooLong), "is longer than 64 KiB")]
    [InlineData(nameof(RustFsFault.IsNotJson), "with what is not RustFS's: --rustfs-endpoint has to name RustFS's own port")]
    [InlineData(nameof(RustFsFault.Hangs), "did not answer in 10 s")]
    [InlineData(nameof(RustFsFault.Drips), "did not answer in 10 s")]
    public async Task Fault_IsTold_AndOverWhenItIsMended(string fault, string expected)
    {
        await using RustFsDouble rustFs = new() { Fault = Enum.Parse<RustFsFault>(fault) };
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => rustFs.Requests.Count > 0);
        await (rustFs.Fault is RustFsFault.Hangs or RustFsFault.Drips ? test.PassUntilAsync(HasError) : FollowerUnderTest.UntilAsync(HasError));
        Assert.Contains(expected, test.Status.LastError);

        rustFs.Fault = RustFsFault.None;
        await test.PassUntilAsync(() => test.Status is { DefaultKeyId: "master", LastError: null }, rustFs);

        bool HasError() => test.Status.LastError is not null;
    }

    [Fact]
    public async Task RustFsOnAnotherBackend_IsLeftAlone()
    {
        await using RustFsDouble rustFs = new() { BackendType = "local", DefaultKeyId = "its-own" };
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.LastError is not null);
        await test.PassUntilAsync(() => rustFs.Requests.Count >= 3, rustFs);

        Assert.Equal(
            "RustFS's KMS has backend 'local' and is left alone: restart RustFS with RUSTFS_KMS_BACKEND=aws for it to follow", test.Status.LastError);
        Assert.Equal("its-own", test.Status.DefaultKeyId);
        Assert.All(rustFs.Requests, static request => Assert.Equal("GET", request.Method));
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        await using RustFsDouble elsewhere = new();
        await using RustFsDouble rustFs = new() { Fault = RustFsFault.Redirects, Elsewhere = elsewhere.Endpoint };
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.LastError is not null);
        await test.PassUntilAsync(() => rustFs.Requests.Count >= 3, rustFs);

        Assert.Equal("RustFS answers GET kms/status with 307", test.Status.LastError);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task ServiceThatDoesNotRun_IsNothingToFollow()
    {
        await using RustFsDouble rustFs = new();
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.DefaultKeyId == "master");

        await test.Service.StopAsync();
        await test.UseAsync("other");
        int before = rustFs.Requests.Count;
        await test.Service.StartAsync();
        await FollowerUnderTest.UntilAsync(() => rustFs.DefaultKeyId == "other");

        Assert.DoesNotContain("master", rustFs.Requests.Skip(before).Select(static request => System.Text.Encoding.UTF8.GetString(request.Body)));
    }

    [Fact]
    public async Task HangingRustFs_HoldsUpNeitherAChange_NorTheEnd()
    {
        await using RustFsDouble rustFs = new() { Fault = RustFsFault.Hangs };
        await using FollowerUnderTest test = new(rustFs.Endpoint);
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => rustFs.IsBusy);

        // The clock stands still: whatever waited for RustFS would wait for ever.
        await test.UseAsync("other");
        await test.Service.StopAsync();
        await test.Service.StartAsync();
        Assert.Equal("other", test.Service.DefaultKeyId);

        await test.Follower.DisposeAsync();
    }

    [Fact]
    public async Task OtherCredentials_AreUsedAtOnce_AndSecretsAreNowhere()
    {
        await using RustFsDouble rustFs = new();
        await using FollowerUnderTest test = new(rustFs.Endpoint, secret: "wrong-secret-zq7");
        await test.RunAsync();
        await FollowerUnderTest.UntilAsync(() => test.Status.LastError is not null);
        Assert.StartsWith("RustFS refuses the credentials with 403 SignatureDoesNotMatch", test.Status.LastError);
        Assert.DoesNotContain("zq7", test.Status.ToString());

        test.Follower.UseCredentials(FollowerUnderTest.Credentials(RustFsDouble.Secret));
        await FollowerUnderTest.UntilAsync(() => test.Status is { DefaultKeyId: "master", LastError: null });

        Assert.DoesNotContain("zq7", test.Service.Log.Text);
        Assert.DoesNotContain(rustFs.Requests, static request => string.Concat(request.Headers.Values).Contains("zq7"));
    }
}
