using System.Net;
using System.Net.Sockets;
using KmsSidecar.Api;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>What counts as an answer of the request path, and what does not.</summary>
public sealed class RequestPathTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task RunningDaemon_AnswersAtEveryDoor()
    {
        await using TestHost host = await TestHost.StartAsync();
        DaemonOptions options = WithPortOf(host);

        Assert.Null(await FindFaultAsync(options, Limit));
        string metrics = (await host.Admin.GetAsync("/metrics")).Text;
        foreach ((string route, string surface) in new[] { ("POST /v1/livez", "data_socket"), ("GET /livez", "admin_socket"), ("GET /livez", "tcp") })
        {
            Assert.Contains(
                $"kms_sidecar_requests_total{{route=\"{route}\",operation=\"probe\",surface=\"{surface}\",backend=\"none\",result=\"success\",status=\"200\"}} 1\n", metrics);
        }
    }

    [Fact]
    public async Task Refusal_IsAnAnswer()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options with { AllowUids = [65534] });

        Assert.Null(await FindFaultAsync(WithPortOf(host), Limit));
    }

    [Fact]
    public async Task NoRoomForAConnection_IsAnAnswer()
    {
        await using TestHost host = await TestHost.StartAsync(limits: ConnectionLimits.Default with { Connections = 1 });
        using RawConnection data = await RawConnection.OpenAsync(host.DataEndPoint);
        await data.SendAsync("POST /v1/livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal(200, (await data.ReadAsync())?.Status);
        using RawConnection tcp = await RawConnection.OpenAsync(host.TcpEndPoint);
        await tcp.SendAsync("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal(200, (await tcp.ReadAsync())?.Status);

        Assert.Null(await FindFaultAsync(WithPortOf(host), Limit));
    }

    [Theory]
    [InlineData("socket", "the data socket has not answered within 0.5 s")]
    [InlineData("admin", "the admin socket has not answered within 0.5 s")]
    [InlineData("listen", "the listener 127.0.0.1:")]
    public async Task DoorThatTakesAndDoesNotAnswer_IsNamed(string door, string expected)
    {
        await using TestHost host = await TestHost.StartAsync();
        using Socket unixDomain = Silent(new UnixDomainSocketEndPoint(host.Directory.PathOf("silent.sock")));
        using Socket tcp = Silent(new IPEndPoint(IPAddress.Loopback, 0));
        DaemonOptions options = WithPortOf(host);
        options = door switch
        {
            "socket" => options with { Socket = host.Directory.PathOf("silent.sock") },
            "admin" => options with { AdminSocket = host.Directory.PathOf("silent.sock") },
            _ => options with { Listen = [new ListenAddress((IPEndPoint)tcp.LocalEndPoint!, IsTls: false)] },
        };

        Assert.StartsWith(expected, await FindFaultAsync(options, Soon));
    }

    [Fact]
    public async Task MissingSocket_IsAFault()
    {
        await using TestHost host = await TestHost.StartAsync();

        string? fault = await FindFaultAsync(WithPortOf(host) with { Socket = host.Directory.PathOf("none.sock") }, Limit);

        Assert.StartsWith("the data socket cannot be reached: ", fault);
    }

    [Fact]
    public async Task StandingLoop_IsAFault()
    {
        await using TestHost host = await TestHost.StartAsync();
        RequestPath path = new(WithPortOf(host), static () => TimeSpan.FromSeconds(31));

        Assert.Equal(
            "an event loop of the data socket has been standing for 31 s", await path.FindFaultAsync(Limit, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task DoorsThatCannotBeAsked_AreLeftOut()
    {
        await using TestHost host = await TestHost.StartAsync();
        using Socket silent = Silent(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        DaemonOptions options = host.Host.Options with
        {
            Listen =
            [
                new ListenAddress(new IPEndPoint(IPAddress.Loopback, port), IsTls: true),
                new ListenAddress(new IPEndPoint(IPAddress.Parse("192.0.2.1"), port), IsTls: false),
            ],
            AdminSocket = null,
        };

        Assert.Null(await FindFaultAsync(options, Limit));
    }

    private static Task<string?> FindFaultAsync(DaemonOptions options, TimeSpan limit) =>
        new RequestPath(options, static () => TimeSpan.Zero).FindFaultAsync(limit, TestContext.Current.CancellationToken);

    private static DaemonOptions WithPortOf(TestHost host) =>
        host.Host.Options with { Listen = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, host.Address.Port), IsTls: false)] };

    /// <summary>The kernel takes connections for it, and nobody answers them.</summary>
    private static Socket Silent(EndPoint endpoint)
    {
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endpoint);
        socket.Listen();
        return socket;
    }
}
