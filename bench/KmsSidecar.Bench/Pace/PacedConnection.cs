using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KmsSidecar.Bench.Load;
using KmsSidecar.CommandLine.Bench;
using KmsSidecar.Doubles.Http;

namespace KmsSidecar.Bench.Pace;

/// <summary>A client's connection and one of its own to the double, used in turn by the thread that serves them.</summary>
internal sealed class PacedConnection : IDisposable
{
    // 64 items of a batch are below 32 KiB.
    private const int MaxRequestBytes = 64 * 1024;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly NetworkStream _client;
    private readonly HttpConnection _double;
    private readonly ServiceTime _time;
    private readonly byte[] _buffer = new byte[MaxRequestBytes];
    private int _filled;

    private PacedConnection(Socket client, Socket server, ServiceTime time)
    {
        _client = new NetworkStream(client, ownsSocket: true);
        _double = new HttpConnection(server);
        _time = time;
    }

    /// <summary>Until one of the two leaves.</summary>
    public static void Serve(Socket client, EndPoint target, ServiceTime time)
    {
        MonotonicClock.WakeThisThreadOnTime();
        try
        {
            using PacedConnection connection = new(client, LocalTarget.Connect(target, AnswerTimeout), time);
            while (connection.TryServeOne())
            {
            }
        }
        catch (Exception lost) when (lost is IOException or SocketException)
        {
            client.Dispose();
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _double.Dispose();
    }

    /// <returns>False when the client has left.</returns>
    private bool TryServeOne()
    {
        ReadOnlySpan<byte> request = ReadRequest();
        if (request.IsEmpty)
        {
            return false;
        }

        long done = DoneAt(request);
        HttpAnswer answer = _double.Exchange(request);
        byte[] head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {answer.Status} -\r\nContent-Type: application/json\r\nContent-Length: {answer.Body.Length}\r\n\r\n");
        byte[] whole = [.. head, .. answer.Body];
        MonotonicClock.SleepUntil(done);
        _client.Write(whole);
        return true;
    }

    /// <summary>When the server is done with a request that has just come in, in monotonic nanoseconds.</summary>
    private long DoneAt(ReadOnlySpan<byte> request)
    {
        ReadOnlySpan<byte> path = request[..request.IndexOf((byte)'\r')];
        bool isEncrypt = path.IndexOf("/transit/encrypt/"u8) > 0;
        if (!isEncrypt && path.IndexOf("/transit/decrypt/"u8) < 0)
        {
            return 0;
        }

        int items = request.Count(isEncrypt ? "\"plaintext\":"u8 : "\"ciphertext\":"u8);
        return MonotonicClock.Nanoseconds(_time.Reserve(TimeSpan.FromMicroseconds(MonotonicClock.Now / 1000.0), items));
    }

    /// <returns>Head and body; empty when the client has left between two requests.</returns>
    private ReadOnlySpan<byte> ReadRequest()
    {
        _filled = 0;
        int headBytes;
        while ((headBytes = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!TryReceive())
            {
                return _filled == 0 ? [] : throw new EndOfStreamException("the client left within a request");
            }
        }

        int length = headBytes + 4 + BodyBytes(_buffer.AsSpan(0, headBytes));
        while (_filled < length)
        {
            if (!TryReceive())
            {
                throw new EndOfStreamException("the client left within a request");
            }
        }

        return _buffer.AsSpan(0, length);
    }

    private bool TryReceive()
    {
        if (_filled == _buffer.Length)
        {
            throw new IOException($"the request is larger than {MaxRequestBytes} bytes");
        }

        int received = _client.Read(_buffer.AsSpan(_filled));
        _filled += received;
        return received > 0;
    }

    private static int BodyBytes(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> name = "\r\nContent-Length: "u8;
        int at = head.IndexOf(name);
        return at < 0 ? 0
            : Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) && length is >= 0 and < MaxRequestBytes ? length
            : throw new IOException("the request has no length that can be read");
    }
}
