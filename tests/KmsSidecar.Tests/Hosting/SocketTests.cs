using System.Net.Sockets;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>The files of the Unix sockets: their mode and group, who may have them, and what is in their way.</summary>
public sealed class SocketTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Path => _directory.PathOf("kms.sock");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Sockets_HaveTheirModeAndGroup()
    {
        const uint Group = 4242;
        await using TestHost host = await TestHost.StartAsync(static options => options with
        {
            SocketMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            SocketGroup = Environment.IsPrivilegedProcess ? Group : null,
        });

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(host.Host.Options.Socket));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(host.Host.Options.AdminSocket!));
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Equal(Group, await GroupOfAsync(host.Host.Options.Socket));
            Assert.Equal(0u, await GroupOfAsync(host.Host.Options.AdminSocket!));
        }
    }

    [Fact]
    public async Task Sockets_AreGoneAfterTheEnd()
    {
        await using (SidecarHost host = new(TestHost.OptionsIn(_directory), TimeProvider.System))
        {
            await host.StartAsync();
            Assert.True(File.Exists(Path));
        }

        Assert.False(File.Exists(Path));
        Assert.False(File.Exists(_directory.PathOf("admin.sock")));
    }

    [Fact]
    public void StaleSocket_IsRemoved()
    {
        LeaveStaleSocket();

        using SocketClaim claim = SocketClaim.Take(Path);

        Assert.True(claim.RemovedStale);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void FreePath_HasNothingToRemove()
    {
        using SocketClaim claim = SocketClaim.Take(_directory.PathOf("new/deep/kms.sock"));

        Assert.False(claim.RemovedStale);
        Assert.True(Directory.Exists(_directory.PathOf("new/deep")));
    }

    [Fact]
    public void SocketOfAnotherProgram_IsNotTaken()
    {
        using Socket other = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(Path));
        other.Listen();

        ListenException refused = Assert.Throws<ListenException>(() => SocketClaim.Take(Path));

        Assert.Equal($"{Path} is in use: another process answers on it; end that one, or give another path", refused.Message);
        Assert.True(File.Exists(Path));
    }

    [Theory]
    [InlineData("content")]
    [InlineData("")]
    public void RegularFile_IsLeftAlone(string content)
    {
        File.WriteAllText(Path, content);

        ListenException refused = Assert.Throws<ListenException>(() => SocketClaim.Take(Path));

        Assert.Equal($"{Path} is not a socket; remove it or give another path", refused.Message);
        Assert.Equal(content, File.ReadAllText(Path));
    }

    [Fact]
    public void DirectoryInItsPlace_IsRefused()
    {
        Directory.CreateDirectory(Path);

        Assert.Contains("is not a socket", Assert.Throws<ListenException>(() => SocketClaim.Take(Path)).Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SymbolicLink_IsNotFollowed(bool dangling)
    {
        string target = _directory.PathOf("target");
        if (!dangling)
        {
            File.WriteAllText(target, "");
        }

        File.CreateSymbolicLink(Path, target);

        Assert.Contains("is not a socket", Assert.Throws<ListenException>(() => SocketClaim.Take(Path)).Message);
        Assert.Equal(!dangling, File.Exists(target));
    }

    [Fact]
    public void ClaimedPath_HasOneHolder()
    {
        using (SocketClaim.Take(Path))
        {
            ListenException refused = Assert.Throws<ListenException>(() => SocketClaim.Take(Path));
            Assert.Equal($"{Path} is in use by another kms-sidecar; end that one, or give another path", refused.Message);
        }

        using SocketClaim next = SocketClaim.Take(Path);
    }

    /// <summary>Without the lock, one daemon may find a socket stale that the other has bound since, and unlink it.</summary>
    [Fact]
    public async Task ManyDaemonsAtOnce_OverAStaleSocket_LeaveOne()
    {
        LeaveStaleSocket();
        SocketClaim?[] claims = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(TryTake)));

        Assert.True(Assert.Single(claims.OfType<SocketClaim>()).RemovedStale);
        Array.ForEach(claims, static claim => claim?.Dispose());
    }

    [Fact]
    public async Task SecondDaemon_IsRefusedAndTheFirstGoesOn()
    {
        await using TestHost first = await TestHost.StartRunningAsync();
        DaemonOptions options = TestHost.OptionsIn(_directory) with { Socket = first.Host.Options.Socket };
        await using (SidecarHost second = new(options, TimeProvider.System))
        {
            ListenException refused = await Assert.ThrowsAsync<ListenException>(() => second.StartAsync());
            Assert.Contains(first.Host.Options.Socket, refused.Message);
        }

        (await first.Data.PostAsync("/v1/generate-data-key")).Expect(200);
        using ApiClient late = ApiClient.OverUnix(first.Host.Options.Socket);
        (await late.PostAsync("/v1/generate-data-key")).Expect(200);
    }

    [Fact]
    public async Task TakenPort_IsNamed()
    {
        await using TestHost first = await TestHost.StartAsync();
        await using SidecarHost second = new(
            TestHost.OptionsIn(_directory) with { Listen = [new ListenAddress((System.Net.IPEndPoint)first.TcpEndPoint, IsTls: false)] }, TimeProvider.System);

        ListenException refused = await Assert.ThrowsAsync<ListenException>(() => second.StartAsync());

        Assert.Contains($"127.0.0.1:{first.Address.Port}", refused.Message);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public async Task ForeignAddress_IsRefusedInWords()
    {
        await using SidecarHost host = new(
            TestHost.OptionsIn(_directory) with { Listen = [new ListenAddress(System.Net.IPEndPoint.Parse("192.0.2.1:0"), IsTls: false)] }, TimeProvider.System);

        ListenException refused = await Assert.ThrowsAsync<ListenException>(() => host.StartAsync());

        Assert.Equal("cannot listen on 192.0.2.1:0: no interface has that address; give one that `ip address` shows with --listen", refused.Message);
    }

    private SocketClaim? TryTake()
    {
        try
        {
            return SocketClaim.Take(Path);
        }
        catch (ListenException)
        {
            return null;
        }
    }

    /// <summary>As after SIGKILL: bound by a process that is gone.</summary>
    private void LeaveStaleSocket()
    {
        using Socket crashed = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        crashed.Bind(new UnixDomainSocketEndPoint(Path));

        // Closing unlinks the path by which the socket was bound.
        File.Move(Path, $"{Path}.kept");
        crashed.Close();
        File.Move($"{Path}.kept", Path);
    }

    private static async Task<uint> GroupOfAsync(string path)
    {
        (int _, string output) = await Shell.RunAsync("stat", "-c", "%g", path);
        return uint.Parse(output);
    }
}
