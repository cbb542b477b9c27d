using KmsSidecar.Api;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>What clients do below HTTP: slowly, partly, too often, and not at all.</summary>
public sealed class ConnectionTests(RunningHost running) : IClassFixture<RunningHost>
{
    private static readonly ConnectionLimits Short =
        new() { Head = TimeSpan.FromMilliseconds(300), Body = TimeSpan.FromMilliseconds(300), Idle = TimeSpan.FromMilliseconds(300) };

    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task SlowHead_IsCut()
    {
        await using TestHost host = await StartAsync(limits: Short);
        using RawConnection raw = await RawConnection.OpenAsync(host.TcpEndPoint);
        await raw.SendAsync("GET /livez HTTP/1.1\r\nHos");

        Answer? answer = await raw.ReadAsync();

        Assert.Equal(408, answer?.Status);
        Assert.Null(await raw.ReadAsync());
    }

    [Fact]
    public async Task IdleConnection_IsCut()
    {
        await using TestHost host = await StartAsync(limits: Short);
        using RawConnection raw = await RawConnection.OpenAsync(host.TcpEndPoint);
        await raw.SendAsync("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        (await raw.ReadAsync())!.Expect(200);

        Assert.Null(await raw.ReadAsync());
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{\"force")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n7\r\n{\"force\r\n")]
    public async Task HalfSentBody_IsAnswered408(string rest)
    {
        await using TestHost host = await StartAsync(limits: Short);
        using RawConnection raw = await RawConnection.OpenAsync(host.DataEndPoint);
        await raw.SendAsync($"POST /v1/generate-data-key HTTP/1.1\r\nHost: x\r\n{rest}");

        Answer? answer = await raw.ReadAsync();

        answer!.ExpectFailure(408, "RequestTimeout", "the request did not arrive in time");
        Assert.Equal("close", answer.Header("Connection"));
    }

    [Fact]
    public async Task ThousandIdleConnections_DoNotKeepTheNextOneOut()
    {
        List<RawConnection> idle = [];
        try
        {
            for (int i = 0; i < 1000; i++)
            {
                idle.Add(await RawConnection.OpenAsync(_host.DataEndPoint));
            }

            (await _host.Data.PostAsync("/v1/generate-data-key", "{}")).Expect(200);
            (await _host.Tcp.GetAsync("/livez")).Expect(200);
        }
        finally
        {
            idle.ForEach(static connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task ConnectionAboveTheLimit_IsClosed()
    {
        await using TestHost host = await StartAsync(limits: new ConnectionLimits { Connections = 1 });
        using RawConnection first = await RawConnection.OpenAsync(host.TcpEndPoint);
        await first.SendAsync("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        (await first.ReadAsync())!.Expect(200);
        using RawConnection second = await RawConnection.OpenAsync(host.TcpEndPoint);

        Assert.Null(await second.ReadAsync());
    }

    [Fact]
    public async Task ExpectContinue_IsAnsweredBeforeTheBodyComes()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.DataEndPoint);
        await raw.SendAsync("POST /v1/generate-data-key HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");

        Assert.Equal(100, (await raw.ReadAsync())!.Status);
        await raw.SendAsync("{}");
        (await raw.ReadAsync())!.Expect(200);
    }

    [Fact]
    public async Task ExpectContinue_OfARefusedRequest_IsNotAskedForItsBody()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        await raw.SendAsync($"POST {Kms}/configure HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");

        (await raw.ReadAsync())!.ExpectXml(403, "AccessDenied", "Signature is required");
    }

    [Fact]
    public async Task ChunkedBody_IsRead()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.DataEndPoint);
        await raw.SendAsync("POST /v1/generate-data-key HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n");

        (await raw.ReadAsync())!.Expect(200);
    }

    [Theory]
    [InlineData("GET /livez HTTP/1.1\r\n\r\n")]
    [InlineData("GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")]
    [InlineData("GET /li vez HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /livez HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n")]
    [InlineData("GET /livez HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n")]
    [InlineData("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET ../livez HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("\x16\x03\x01\x02\x00\r\n\r\n")]
    public async Task WhatIsNotARequest_Is400(string bytes)
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        await raw.SendAsync(bytes);

        Assert.Equal(400, (await raw.ReadAsync())?.Status);
    }

    [Fact]
    public async Task HeadBeyondItsLimits_Is431()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        await raw.SendAsync($"GET /livez HTTP/1.1\r\nHost: x\r\nA: {new string('a', 40_000)}\r\n\r\n");

        Assert.Equal(431, (await raw.ReadAsync())?.Status);
    }

    [Fact]
    public async Task Head_HasTheHeadersOfGetAndNoBody()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.TcpEndPoint);
        await raw.SendAsync("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n");

        Answer? head = await raw.ReadAsync(hasBody: false);
        Answer? get = await raw.ReadAsync();

        Assert.Equal((200, "3"), (head!.Status, head.Header("Content-Length")));
        Assert.Equal((200, "ok\n"), (get!.Status, get.Text));
    }

    [Fact]
    public async Task StatusOfManyRequestsOnOneConnection_IsEachItsOwn()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_host.DataEndPoint);
        await raw.SendAsync("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/nope HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");

        int[] statuses = [(await raw.ReadAsync())!.Status, (await raw.ReadAsync())!.Status, (await raw.ReadAsync())!.Status];

        Assert.Equal([200, 404, 200], statuses);
    }
}
