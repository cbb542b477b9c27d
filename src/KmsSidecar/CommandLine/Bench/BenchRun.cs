using System.Diagnostics;
using System.Net.Sockets;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>Puts this node's data socket under load: a connection and a thread for each client, as threads that wait in the kernel take the
/// least from the processors that they share with the daemon.</summary>
/// <param name="socket">Path of the data socket.</param>
internal sealed class BenchRun(string socket, int connections, TimeSpan duration)
{
    private const int ThreadStackBytes = 256 * 1024;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <param name="keyId">Null for the default key.</param>
    /// <param name="opens">Have one data key opened over and over, in the place of making new ones.</param>
    /// <exception cref="CommandFault">The daemon cannot be reached, or makes no data key.</exception>
    public BenchReport Execute(string? keyId, bool opens, CancellationToken cancellation)
    {
        List<HttpConnection> opened = [];
        try
        {
            for (int i = 0; i < connections; i++)
            {
                opened.Add(Connect());
            }

            byte[] generate = DataKeyRequests.Generate(keyId);
            HttpAnswer first = Try(opened[0], generate);
            byte[] request = opens ? DataKeyRequests.Decrypt(first.Body) : generate;
            return Measure([.. opened.Select(connection => new BenchWorker(connection, request))], cancellation);
        }
        finally
        {
            opened.ForEach(static connection => connection.Dispose());
        }
    }

    private BenchReport Measure(BenchWorker[] workers, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        long end = started + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        Thread[] threads = [.. workers.Select(worker => new Thread(() => worker.Run(end, cancellation), ThreadStackBytes))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        return new BenchReport(workers, Stopwatch.GetElapsedTime(started));
    }

    private HttpConnection Connect()
    {
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)AnswerTimeout.TotalMilliseconds,
            SendTimeout = (int)AnswerTimeout.TotalMilliseconds,
        };
        try
        {
            client.Connect(new UnixDomainSocketEndPoint(socket));
            return new HttpConnection(client);
        }
        catch (SocketException refused)
        {
            client.Dispose();
            throw new CommandFault(
                refused.SocketErrorCode == SocketError.AccessDenied ? ExitCode.NoPermission : ExitCode.Unavailable,
                $"the data socket {socket} cannot be reached: {refused.Message}; --socket names another",
                inner: refused);
        }
        catch (ArgumentException unusable)
        {
            client.Dispose();
            throw new CommandFault(ExitCode.Usage, $"'{socket}' cannot be the path of a socket", inner: unusable);
        }
    }

    /// <summary>One request before the others, so that a fault is told once, and in the daemon's words.</summary>
    private HttpAnswer Try(HttpConnection connection, byte[] request)
    {
        try
        {
            HttpAnswer answer = connection.Exchange(request);
            return answer.IsSuccess
                ? answer
                : throw Refusal.Of(new DaemonAnswer(answer.Status, "application/json", answer.Body.ToArray()), socket);
        }
        catch (IOException odd)
        {
            throw Unreached.Stranger(socket, odd);
        }
    }
}
