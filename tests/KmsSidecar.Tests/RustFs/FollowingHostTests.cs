using System.Text.Json;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.RustFs;

/// <summary>The whole daemon with a RustFS that follows it, through the admin API.</summary>
public sealed class FollowingHostTests
{
    [Fact]
    public async Task ChangedDefaultKey_IsPassedOn_AndInTheStatus()
    {
        await using RustFsDouble rustFs = new();
        await using TestHost host = await StartAsync(rustFs);
        await UntilFollowedAsync(host, "master");

        (await host.Admin.PostAsync($"{TestHost.Kms}/keys", """{"key_name":"next"}""")).Expect(200);
        (await host.Tcp.PostAsync($"{TestHost.Kms}/reconfigure", """{"default_key_id":"next"}""")).Expect(200);
        await UntilFollowedAsync(host, "next");
        Assert.Equal("next", rustFs.DefaultKeyId);

        (await host.Tcp.PostAsync($"{TestHost.Kms}/rollback")).Expect(200);
        await UntilFollowedAsync(host, "master");

        Answer status = await host.Admin.GetAsync($"{TestHost.Kms}/status");
        Assert.Equal(
            $$"""{"followed":true,"default_key_id":"master","last_error":null,"endpoint":"http://127.0.0.1:{{rustFs.Port}}"}""",
            status.Json.GetProperty("rustfs").GetRawText());
        Assert.DoesNotContain("zq7", status.Text);
    }

    /// <summary>RustFS asks the daemon before it answers; another change may come in between.</summary>
    [Fact]
    public async Task RustFsThatAsksBack_IsAnswered()
    {
        await using RustFsDouble rustFs = new();
        await using TestHost host = await StartAsync(rustFs);
        await UntilFollowedAsync(host, "master");
        (await host.Admin.PostAsync($"{TestHost.Kms}/keys", """{"key_name":"next"}""")).Expect(200);
        rustFs.DuringReconfigure = async () =>
        {
            rustFs.DuringReconfigure = static () => Task.CompletedTask;
            (await host.Tcp.GetAsync($"{TestHost.Kms}/keys?limit=1")).Expect(200);
            (await host.Admin.PostAsync($"{TestHost.Kms}/keys", """{"key_name":"last"}""")).Expect(200);
            (await host.Admin.PostAsync($"{TestHost.Kms}/reconfigure", """{"default_key_id":"last"}""")).Expect(200);
        };

        (await host.Admin.PostAsync($"{TestHost.Kms}/reconfigure", """{"default_key_id":"next"}""")).Expect(200);

        await UntilFollowedAsync(host, "last");
        Assert.Equal(["master", "next", "last"], rustFs.Reconfigures.Select(static request => request.Json.GetProperty("default_key_id").GetString()));
    }

    [Fact]
    public async Task RustFsThatHangs_FailsNothing()
    {
        await using RustFsDouble rustFs = new() { Fault = RustFsFault.Hangs };
        await using TestHost host = await StartAsync(rustFs);
        await FollowerUnderTest.UntilAsync(() => rustFs.IsBusy);

        (await host.Admin.PostAsync($"{TestHost.Kms}/keys", """{"key_name":"next"}""")).Expect(200);
        (await host.Admin.PostAsync($"{TestHost.Kms}/reconfigure", """{"default_key_id":"next"}""")).Expect(200);

        Answer status = (await host.Admin.GetAsync($"{TestHost.Kms}/status")).Expect(200);
        Assert.Equal("next", status["default_key_id"]);
        Assert.False(status.Json.GetProperty("rustfs").GetProperty("followed").GetBoolean());

        // It is the one that was under way at the start: the changes have been answered before it.
        Assert.Single(rustFs.Requests);
    }

    [Fact]
    public async Task WithoutAnEndpoint_TheStatusSaysNothingOfRustFs()
    {
        await using TestHost host = await TestHost.StartRunningAsync();

        Assert.False((await host.Admin.GetAsync($"{TestHost.Kms}/status")).Json.TryGetProperty("rustfs", out _));
    }

    [Theory]
    [InlineData("", "RUSTFS_ACCESS_KEY")]
    [InlineData("RUSTFS_ACCESS_KEY=a\n", "RUSTFS_SECRET_KEY")]
    public void UnusableCredentials_EndTheStart(string content, string expected)
    {
        using TempDirectory directory = new();
        string file = directory.PathOf("rustfs-credentials");
        File.WriteAllText(file, content);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        DaemonOptions options = TestHost.OptionsIn(directory) with { RustFs = Following(new Uri("http://127.0.0.1:9000"), file) };

        KmsException fault = Assert.Throws<KmsException>(() => RustFsFactory.Open(options, TimeProvider.System));

        Assert.Equal(KmsError.InvalidConfiguration, fault.Error);
        Assert.Contains(expected, fault.Message);
    }

    [Fact]
    public void BundleWithoutCertificates_EndsTheStart()
    {
        using TempDirectory directory = new();
        string file = directory.PathOf("ca.pem");
        File.WriteAllText(file, "none\n");
        DaemonOptions options = TestHost.OptionsIn(directory) with { RustFs = Following(new Uri("https://localhost:9000")) with { CaFile = file } };

        KmsException fault = Assert.Throws<KmsException>(() => RustFsFactory.Open(options, TimeProvider.System));

        Assert.Equal($"--rustfs-ca-file {file}: there is no certificate in it", fault.Message);
    }

    private static RustFsOptions Following(Uri endpoint, string? credentialsFile = null) =>
        new(endpoint, new Uri(FollowerUnderTest.KmsEndpoint), credentialsFile, CaFile: null);

    private static async Task<TestHost> StartAsync(RustFsDouble rustFs)
    {
        string credentials = Path.Join(Directory.CreateTempSubdirectory("kms-sidecar-tests-").FullName, "rustfs-credentials");
        File.WriteAllText(credentials, $"RUSTFS_ACCESS_KEY={RustFsDouble.AccessKey}\nRUSTFS_SECRET_KEY={RustFsDouble.Secret}\n");
        File.SetUnixFileMode(credentials, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        try
        {
            TestHost host = await TestHost.StartAsync(options => options with { RustFs = Following(rustFs.Endpoint, credentials) });
            (await host.Admin.PostAsync($"{TestHost.Kms}/configure", host.LocalConfiguration)).Expect(200);
            (await host.Admin.PostAsync($"{TestHost.Kms}/start")).Expect(200);
            return host;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(credentials)!, recursive: true);
        }
    }

    private static async Task UntilFollowedAsync(TestHost host, string keyId)
    {
        JsonElement rustFs;
        do
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
            rustFs = (await host.Admin.GetAsync($"{TestHost.Kms}/status")).Expect(200).Json.GetProperty("rustfs");
        }
        while (!rustFs.GetProperty("followed").GetBoolean() || rustFs.GetProperty("default_key_id").GetString() != keyId);
    }
}
