using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed partial class PeerCredentialsTests
{
    [Fact]
    public async Task UnixSocket_NamesTheProcessThatConnected()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(path), TestContext.Current.CancellationToken);
            using Socket accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);

            Assert.True(PeerCredentials.TryRead(accepted, out PeerCredentials? peer));

            uint[] groups = new uint[65536];
            int count = GetGroups(groups.Length, groups);
            Assert.Equal((Environment.ProcessId, GetEffectiveUserId(), GetEffectiveGroupId()), (peer.ProcessId, peer.UserId, peer.GroupId));
            Assert.Equal(groups[..count].Order(), peer.SupplementaryGroupIds.Order());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void TcpSocket_HasNoPeerCredentials()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        Assert.False(PeerCredentials.TryRead(socket, out _));
    }

    [Theory]
    [InlineData(1000, 100, true)]
    [InlineData(1001, 100, false)]
    [InlineData(1001, 200, true)]
    [InlineData(200, 1000, false)]
    public void AllowList_TakesUserOrGroup(uint userId, uint groupId, bool isAllowed)
    {
        PeerAllowList list = new([1000], [200]);

        Assert.Equal(isAllowed, list.Allows(new PeerCredentials(1, userId, groupId, [])));
    }

    [Fact]
    public void AllowList_TakesASupplementaryGroup()
    {
        PeerAllowList list = new([], [200]);

        Assert.True(list.Allows(new PeerCredentials(1, 1001, 100, [150, 200])));
        Assert.False(list.Allows(new PeerCredentials(1, 1001, 100, [150])));
    }

    /// <summary>Root is no exception: who may use a socket is what the list says.</summary>
    [Fact]
    public void EmptyAllowList_AdmitsNobody() => Assert.False(new PeerAllowList([], []).Allows(new PeerCredentials(1, 0, 0, [0])));

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint GetEffectiveGroupId();

    [LibraryImport("libc", EntryPoint = "getgroups")]
    private static partial int GetGroups(int size, [Out] uint[] groups);
}
