using System.Net.Sockets;
using System.Text;
using KmsSidecar.Api;
using KmsSidecar.Audit;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using KmsSidecar.Transport;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace KmsSidecar.Tests.Transport;

/// <summary>Handlers that have to wait, as those of a backend over a network do.</summary>
public sealed class WaitingHandlerTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DataSocketListener _listener = null!;

    public ValueTask InitializeAsync()
    {
        Router router = new([Route("/v1/quick", Echo), Route("/v1/slow", SlowEchoAsync), Route("/v1/never", NeverAsync)]);
        LocalRequests requests = new(router, new Outcomes(router, new RequestMetrics(router, static () => null), audit: null, TimeProvider.System, NullLoggerFactory.Instance));
        UnixDomainSocketEndPoint endPoint = new(_directory.PathOf("s"));
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endPoint);
        socket.Listen();
        _listener = new DataSocketListener(
            endPoint, socket, requests, new PeerAllowList([Posix.EffectiveUserId()], []), ConnectionLimits.Default, TimeProvider.System, NullLoggerFactory.Instance);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _gate.TrySetResult();
        await _listener.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task AnswersKeepTheirOrder_AndOthersAreNotHeldUp()
    {
        using RawConnection waiting = await RawConnection.OpenAsync(_listener.EndPoint);
        await waiting.SendAsync(Post("quick", "1") + Post("slow", "2") + Post("slow", "3") + Post("quick", "4"));
        Assert.Equal("1", (await waiting.ReadAsync())!.Expect(200).Text);
        for (int i = 0; i < 4 * Environment.ProcessorCount; i++)
        {
            using RawConnection other = await RawConnection.OpenAsync(_listener.EndPoint);
            await other.SendAsync(Post("quick", $"other {i}"));
            Assert.Equal($"other {i}", (await other.ReadAsync())!.Expect(200).Text);
        }

        _gate.SetResult();

        foreach (string expected in (string[])["2", "3", "4"])
        {
            Assert.Equal(expected, (await waiting.ReadAsync())!.Expect(200).Text);
        }
    }

    [Fact]
    public async Task TimeLimitOfTheRoute_Is504()
    {
        using RawConnection raw = await RawConnection.OpenAsync(_listener.EndPoint);
        await raw.SendAsync(Post("never", "") + Post("quick", "after"));

        Assert.Equal("BackendTimeout", (await raw.ReadAsync())!.Expect(504)["code"]);
        Assert.Equal("after", (await raw.ReadAsync())!.Expect(200).Text);
    }

    [Fact]
    public async Task CallerThatLeavesMeanwhile_HarmsNobody()
    {
        using (RawConnection leaving = await RawConnection.OpenAsync(_listener.EndPoint))
        {
            await leaving.SendAsync(Post("slow", "nobody reads this"));
        }

        _gate.SetResult();
        using RawConnection raw = await RawConnection.OpenAsync(_listener.EndPoint);
        await raw.SendAsync(Post("slow", "still here"));
        Assert.Equal("still here", (await raw.ReadAsync())!.Expect(200).Text);
    }

    [Fact]
    public async Task Unbind_AnswersWhatHasArrived_AndClosesTheRest()
    {
        // One for each loop: once all have been closed, every loop knows that it ends.
        List<RawConnection> idle = [];
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            idle.Add(await RawConnection.OpenAsync(_listener.EndPoint));
            await idle[i].SendAsync(Post("quick", "a"));
            (await idle[i].ReadAsync())!.Expect(200);
        }

        using RawConnection busy = await RawConnection.OpenAsync(_listener.EndPoint);
        await busy.SendAsync(Post("slow", "b") + Post("quick", "c"));
        await Task.Delay(100, TestContext.Current.CancellationToken);

        Task unbinding = _listener.UnbindAsync(TestContext.Current.CancellationToken).AsTask();
        foreach (RawConnection connection in idle)
        {
            Assert.Null(await connection.ReadAsync());
            connection.Dispose();
        }

        Assert.False(unbinding.IsCompleted);
        _gate.SetResult();

        Answer first = (await busy.ReadAsync())!.Expect(200);
        Answer last = (await busy.ReadAsync())!.Expect(200);
        Assert.Equal(("b", "c"), (first.Text, last.Text));
        Assert.False(first.Headers.ContainsKey("Connection"));
        Assert.Equal("close", last.Header("Connection"));
        await unbinding;
        Assert.Null(await busy.ReadAsync());
    }

    private static Route Route(string path, RouteHandler handler) => new(
        "POST", path, Surface.DataSocket, RouteAction.Decrypt, AuditKind.DataKey, KeyScope.None, MaxBodyBytes: 1024, TimeSpan.FromMilliseconds(400), handler);

    private static string Post(string route, string body) => $"POST /v1/{route} HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    private static ValueTask<KmsError> Echo(Call call)
    {
        Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(call.Body.Span), call.Output);
        return new ValueTask<KmsError>(KmsError.None);
    }

    private static async ValueTask<KmsError> NeverAsync(Call call)
    {
        await Task.Delay(Timeout.Infinite, call.Cancellation);
        return KmsError.None;
    }

    private async ValueTask<KmsError> SlowEchoAsync(Call call)
    {
        await _gate.Task;
        return await Echo(call);
    }
}
