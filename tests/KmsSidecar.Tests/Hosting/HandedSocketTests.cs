using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>Sockets that are handed over, as systemd does it: others hold them too, before, meanwhile and afterwards.</summary>
public sealed partial class HandedSocketTests : IDisposable
{
    private const uint SomebodyElse = 3_000_000_001;
    private const UnixFileMode GroupToo = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const string Status = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
    private const string Alive = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

    private const int DuplicateDescriptor = 0;

    private static int _lastNumber = 5_000;

    private readonly TempDirectory _directory = new();
    private readonly List<Socket> _held = [];
    private readonly DaemonOptions _options;
    private readonly Socket _data;
    private readonly Socket _admin;
    private readonly Socket _tcp;

    public HandedSocketTests()
    {
        DaemonOptions options = TestHost.OptionsIn(_directory);
        _data = Hold(new UnixDomainSocketEndPoint(options.Socket));
        _admin = Hold(new UnixDomainSocketEndPoint(options.AdminSocket!));
        _tcp = Hold(new IPEndPoint(IPAddress.Loopback, 0));
        _options = options with { Listen = [new ListenAddress((IPEndPoint)_tcp.LocalEndPoint!, IsTls: false)] };
        File.SetUnixFileMode(options.Socket, GroupToo);
    }

    public void Dispose()
    {
        _held.ForEach(static socket => socket.Dispose());
        _directory.Dispose();
    }

    [Fact]
    public async Task OneDaemonAfterTheOther_ServesThem()
    {
        for (int i = 0; i < 3; i++)
        {
            // Whoever calls while nobody is there waits in the queue.
            using RawConnection data = await SendEarlyAsync(_data, Status);
            using RawConnection admin = await SendEarlyAsync(_admin, $"GET {TestHost.Kms}/status HTTP/1.1\r\nHost: x\r\n\r\n");
            using RawConnection tcp = await SendEarlyAsync(_tcp, Alive);

            await using SidecarHost host = new(_options, TimeProvider.System, handed: Hand(_data, _admin, _tcp));
            await host.StartAsync();

            (await data.ReadAsync())!.Expect(200);
            (await admin.ReadAsync())!.Expect(200);
            (await tcp.ReadAsync())!.Expect(200);
        }

        Assert.True(File.Exists(_options.Socket));
        Assert.True(File.Exists(_options.AdminSocket));
        Assert.Equal(GroupToo, File.GetUnixFileMode(_options.Socket));
        Assert.False(File.Exists($"{_options.Socket}.lock"));
    }

    [Fact]
    public async Task WhatIsNotHandedOver_IsBound()
    {
        _admin.Dispose();
        _tcp.Dispose();
        File.Delete(_options.AdminSocket!);
        await using SidecarHost host = new(_options, TimeProvider.System, handed: Hand(_data));
        await host.StartAsync();

        foreach (EndPoint address in HandedSockets.AddressesOf(_options))
        {
            using RawConnection raw = await RawConnection.OpenAsync(address);
            await raw.SendAsync(Alive);
            Assert.NotNull(await raw.ReadAsync());
        }
    }

    [Fact]
    public void AddressThatIsNotConfigured_IsRefused()
    {
        KmsException refused = Assert.Throws<KmsException>(() => new HandedSockets([_data.LocalEndPoint!], [Duplicate(_tcp)]));

        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
        Assert.StartsWith($"{_tcp.LocalEndPoint} was handed over but is not configured: ", refused.Message);
        Assert.Contains("ListenStream=", refused.Message);
        Assert.Contains("--listen", refused.Message);
    }

    [Fact]
    public void TheSameAddressTwice_IsRefused()
    {
        Assert.Contains("was handed over twice", Assert.Throws<KmsException>(() => Hand(_data, _data)).Message);
    }

    [Fact]
    public void WhatDoesNotListen_IsRefused()
    {
        using Socket datagrams = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        datagrams.Bind(new UnixDomainSocketEndPoint(_directory.PathOf("datagrams")));
        using Socket unconnected = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        foreach (Socket socket in (Socket[])[datagrams, unconnected])
        {
            Assert.Contains("is not a listening stream socket", Assert.Throws<KmsException>(() => Hand(socket)).Message);
        }

        Assert.Contains("is not a listening stream socket", Assert.Throws<KmsException>(() => new HandedSockets([], [1_000_000])).Message);
    }

    [Fact]
    public async Task GroupOfTheFile_IsLetIn_WhenItMayWrite()
    {
        DaemonOptions options = _options with { AllowUids = [SomebodyElse] };
        Assert.NotNull(Hand(_data).Settle(options).SocketGroup);
        await using (SidecarHost host = new(options, TimeProvider.System, handed: Hand(_data, _admin, _tcp)))
        {
            await host.StartAsync();
            using RawConnection raw = await SendEarlyAsync(_data, Status);
            (await raw.ReadAsync())!.Expect(200);
        }

        File.SetUnixFileMode(_options.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using SidecarHost closed = new(options, TimeProvider.System, handed: Hand(_data, _admin, _tcp));
        await closed.StartAsync();
        using RawConnection refused = await SendEarlyAsync(_data, Status);
        (await refused.ReadAsync())!.Expect(403);
    }

    [Fact]
    public void AnotherSocketGroup_IsRefused()
    {
        KmsException refused = Assert.Throws<KmsException>(() => Hand(_data).Settle(_options with { SocketGroup = SomebodyElse }));

        Assert.Contains("SocketGroup=", refused.Message);
        Assert.Contains($"--socket-group is {SomebodyElse}", refused.Message);
        Assert.Equal(SomebodyElse, HandedSockets.None.Settle(_options with { SocketGroup = SomebodyElse }).SocketGroup);
    }

    [Fact]
    public void FileThatIsGone_IsNamed()
    {
        File.Delete(_options.Socket);

        Assert.StartsWith($"{_options.Socket} was handed over, but its file cannot be seen", Assert.Throws<ListenException>(() => Hand(_data).Settle(_options)).Message);
    }

    private static async Task<RawConnection> SendEarlyAsync(Socket listening, string request)
    {
        RawConnection raw = await RawConnection.OpenAsync(listening.LocalEndPoint!);
        await raw.SendAsync(request);
        return raw;
    }

    /// <summary>A number that was never used before: epoll remembers one by its open file, which goes on here, and .NET would take the number for the former's.</summary>
    private static int Duplicate(Socket socket) => Duplicate((int)socket.Handle, DuplicateDescriptor, Interlocked.Increment(ref _lastNumber));

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Duplicate(int descriptor, int command, int atLeast);

    private HandedSockets Hand(params Socket[] sockets) => new(HandedSockets.AddressesOf(_options), sockets.Select(Duplicate));

    private Socket Hold(EndPoint endPoint)
    {
        Socket socket = new(
            endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        socket.Bind(endPoint);
        socket.Listen();
        _held.Add(socket);
        return socket;
    }
}
