using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>Asks the daemon as its callers do, through the kernel and over new connections, for what needs no backend.</summary>
/// <remarks>To be refused is to be answered, and so is a connection that is closed because there are too many: both take a process that works.</remarks>
/// <param name="longestTurn">For how long the slowest of the event loops has not gone round.</param>
internal sealed class RequestPath(DaemonOptions options, Func<TimeSpan> longestTurn)
{
    /// <summary>An idle loop goes round once in a second.</summary>
    private static readonly TimeSpan SlowTurn = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan RetryConnect = TimeSpan.FromMilliseconds(50);

    private readonly Door[] _doors = [.. Doors(options)];

    /// <returns>What did not answer; null when all is well.</returns>
    /// <param name="limit">For the slowest answer.</param>
    public async Task<string?> FindFaultAsync(TimeSpan limit, CancellationToken cancellation)
    {
        Task<string?>[] asked = [.. _doors.Select(door => AskAsync(door, limit, cancellation))];
        string? fault = null;
        foreach (Task<string?> answer in asked)
        {
            fault = await answer ?? fault;
        }

        return fault ?? FindStandingLoop(limit);
    }

    private static IEnumerable<Door> Doors(DaemonOptions options)
    {
        // Served by the loop that reads it; the others are Kestrel's.
        yield return new Door("the data socket", new UnixDomainSocketEndPoint(options.Socket), "POST /v1/livez HTTP/1.1\r\nHost: kms\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        byte[] probe = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray();
        if (options.AdminSocket is { } adminSocket)
        {
            yield return new Door("the admin socket", new UnixDomainSocketEndPoint(adminSocket), probe);
        }

        // Another address may be closed to this process itself, by a firewall or by its unit.
        foreach (ListenAddress address in options.Listen.Where(static address => address is { IsTls: false, EndPoint.Port: > 0 } && IsLocal(address.EndPoint.Address)))
        {
            yield return new Door($"the listener {address.EndPoint}", address.EndPoint, probe);
        }
    }

    private static bool IsLocal(IPAddress address) =>
        IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static async Task<string?> AskAsync(Door door, TimeSpan limit, CancellationToken cancellation)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(limit);
        try
        {
            using Socket socket = new(door.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
            await ConnectAsync(socket, door.EndPoint, late.Token);
            await socket.SendAsync(door.Request, late.Token);
            await socket.ReceiveAsync(new byte[1], late.Token);
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{door.Name} has not answered within {limit.TotalSeconds} s");
        }
        catch (SocketException fault)
        {
            bool isAnswer = fault.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.TooManyOpenSockets;
            return isAnswer ? null : $"{door.Name} cannot be reached: {fault.Message}";
        }
    }

    /// <summary>Waits for room in the backlog, which a Unix socket does not.</summary>
    private static async Task ConnectAsync(Socket socket, EndPoint endpoint, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await socket.ConnectAsync(endpoint, cancellation);
                return;
            }
            catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
            {
                await Task.Delay(RetryConnect, cancellation);
            }
        }
    }

    private string? FindStandingLoop(TimeSpan limit)
    {
        TimeSpan turn = longestTurn();
        return turn > limit && turn > SlowTurn
            ? string.Create(CultureInfo.InvariantCulture, $"an event loop of the data socket has been standing for {(long)turn.TotalSeconds} s")
            : null;
    }

    private sealed class Door(string name, EndPoint endpoint, byte[] request)
    {
        public string Name => name;

        public EndPoint EndPoint => endpoint;

        public byte[] Request => request;
    }
}
