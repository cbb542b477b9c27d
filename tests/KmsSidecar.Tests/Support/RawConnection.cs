using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>A client that sends any bytes whatever, and reads answers one by one.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;

    private RawConnection(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    public static async Task<RawConnection> OpenAsync(EndPoint address)
    {
        Socket socket = address is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address, TestContext.Current.CancellationToken);
        return new RawConnection(socket);
    }

    /// <summary>Each character is one byte.</summary>
    public Task SendAsync(string text) =>
        _stream.WriteAsync(Encoding.Latin1.GetBytes(text), TestContext.Current.CancellationToken).AsTask();

    /// <summary>One answer with its body, or null when the connection ends instead.</summary>
    /// <param name="hasBody">False for the answer to HEAD, whose length is that of a body that is not sent.</param>
    public async Task<Answer?> ReadAsync(bool hasBody = true)
    {
        List<byte> head = [];
        while (!Encoding.Latin1.GetString([.. head.TakeLast(4)]).Equals("\r\n\r\n", StringComparison.Ordinal))
        {
            byte[] one = new byte[1];
            if (await ReadSomeAsync(one) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        string[] lines = Encoding.Latin1.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (string[] field in lines.Skip(1).Select(static line => line.Split(": ", 2)))
        {
            headers[field[0]] = field[1];
        }

        byte[] body = new byte[hasBody && headers.TryGetValue("Content-Length", out string? length) ? int.Parse(length) : 0];
        await _stream.ReadExactlyAsync(body, TestContext.Current.CancellationToken);
        return new Answer(int.Parse(lines[0].Split(' ')[1]), headers, body);
    }

    /// <summary>Nothing more will be sent from here; the other side may still answer.</summary>
    public void FinishSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with a reset instead of in order.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
    }

    public void Dispose() => _stream.Dispose();

    private async ValueTask<int> ReadSomeAsync(byte[] buffer)
    {
        try
        {
            return await _stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
