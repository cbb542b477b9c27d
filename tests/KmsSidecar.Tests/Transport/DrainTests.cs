using System.Net.Sockets;
using System.Text;
using KmsSidecar.Api;
using KmsSidecar.Audit;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Transport;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace KmsSidecar.Tests.Transport;

/// <summary>The end of the data socket while its callers go on: each request is answered, or could not be sent.</summary>
public sealed class DrainTests : IDisposable
{
    private const int Rounds = 25;
    private const int Callers = 12;

    private static readonly byte[] Request = Encoding.ASCII.GetBytes("POST /v1/count HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");

    private readonly TempDirectory _directory = new();
    private readonly SemaphoreSlim _entered = new(0);
    private readonly ManualResetEventSlim _gate = new();
    private int _served;

    public void Dispose()
    {
        _entered.Dispose();
        _gate.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task EveryRequestThatWasSent_IsAnswered()
    {
        int answered = 0;
        for (int round = 0; round < Rounds; round++)
        {
            await using DataSocketListener listener = Listen($"s{round}");
            using Barrier started = new(Callers + 1);
            Task<int>[] callers =
            [
                .. Enumerable.Range(0, Callers).Select(caller => Task.Factory.StartNew(
                    () => CallUntilTheEnd(listener, started, caller), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)),
            ];
            started.SignalAndWait(TestContext.Current.CancellationToken);
            await Task.Delay(round % 5 * 10, TestContext.Current.CancellationToken);
            await listener.UnbindAsync(TestContext.Current.CancellationToken);
            answered += (await Task.WhenAll(callers)).Sum();
        }

        Assert.True(answered > Rounds * Callers);
        Assert.Equal(_served, answered);
    }

    [Fact]
    public async Task QuietConnection_CannotBeSentIntoWhenItHasEnded()
    {
        await using DataSocketListener listener = Listen("s");
        using Socket caller = Connect(listener);
        Assert.True(TryCall(caller, out _));

        await listener.UnbindAsync(TestContext.Current.CancellationToken);

        Assert.False(TryCall(caller, out _));
        Assert.Equal(1, _served);
    }

    /// <summary>What arrives after the last look, and before the connection is ended for being quiet.</summary>
    [Fact]
    public async Task RequestThatComesAtTheLastMoment_IsAnswered()
    {
        await using DataSocketListener listener = Listen("s");
        using Socket quiet = Connect(listener);
        Assert.True(TryCall(quiet, out _));
        Socket[] holding = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Connect(listener))];
        foreach (Socket socket in holding)
        {
            // One on each loop, which looks at nothing else meanwhile.
            socket.Send(Encoding.ASCII.GetBytes("POST /v1/hold HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
            await _entered.WaitAsync(TestContext.Current.CancellationToken);
        }

        Task unbinding = listener.UnbindAsync(TestContext.Current.CancellationToken).AsTask();
        await Task.Delay(200, TestContext.Current.CancellationToken);
        quiet.Send(Request);
        _gate.Set();

        ReadAnswer(quiet, out bool isLast);
        Assert.True(isLast);
        Array.ForEach(holding, static socket => ReadAnswer(socket, out _));
        await unbinding;
        Array.ForEach(holding, static socket => socket.Dispose());
    }

    /// <returns>How many answers came.</returns>
    private static int CallUntilTheEnd(DataSocketListener listener, Barrier started, int caller)
    {
        Random pauses = new(caller);
        using Socket socket = Connect(listener);
        Assert.True(TryCall(socket, out bool isLast));
        started.SignalAndWait();
        int answered = 1;
        while (!isLast && TryCall(socket, out isLast))
        {
            answered++;
            if (caller % 3 == 0)
            {
                // About as long as the end waits for another request, so that the two meet.
                Thread.Sleep(pauses.Next(30, 80));
            }
        }

        return answered;
    }

    /// <returns>False when the request could not be sent.</returns>
    private static bool TryCall(Socket socket, out bool isLast)
    {
        isLast = false;
        try
        {
            socket.Send(Request);
        }
        catch (SocketException refused) when (refused.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            return false;
        }

        ReadAnswer(socket, out isLast);
        return true;
    }

    private static void ReadAnswer(Socket socket, out bool isLast)
    {
        StringBuilder answer = new();
        byte[] buffer = new byte[1024];
        while (!answer.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int count = socket.Receive(buffer);
            Assert.True(count > 0, $"the connection ended after a request was sent, and after '{answer}'");
            answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        isLast = answer.ToString().Contains("Connection: close", StringComparison.Ordinal);
    }

    private static Socket Connect(DataSocketListener listener)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(listener.EndPoint);
        return socket;
    }

    private static Route Route(string path, RouteHandler handler) => new(
        "POST", path, Surface.DataSocket, RouteAction.Decrypt, AuditKind.DataKey, KeyScope.None, MaxBodyBytes: 1024, TimeSpan.FromSeconds(5), handler);

    private DataSocketListener Listen(string name)
    {
        Router router = new([Route("/v1/count", Count), Route("/v1/hold", Hold)]);
        LocalRequests requests = new(router, new Outcomes(router, new RequestMetrics(router, static () => null), audit: null, TimeProvider.System, NullLoggerFactory.Instance));
        UnixDomainSocketEndPoint endPoint = new(_directory.PathOf(name));
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endPoint);
        socket.Listen();
        return new DataSocketListener(
            endPoint, socket, requests, new PeerAllowList([Posix.EffectiveUserId()], []), ConnectionLimits.Default, TimeProvider.System, NullLoggerFactory.Instance);
    }

    private ValueTask<KmsError> Count(Call call)
    {
        Interlocked.Increment(ref _served);
        return new ValueTask<KmsError>(KmsError.None);
    }

    private ValueTask<KmsError> Hold(Call call)
    {
        _entered.Release();
        _gate.Wait();
        return new ValueTask<KmsError>(KmsError.None);
    }
}
