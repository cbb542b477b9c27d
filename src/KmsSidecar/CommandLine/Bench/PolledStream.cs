using System.Net.Sockets;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>A blocking socket whose reads wait in poll(2), as those of clients with a time limit do.</summary>
/// <remarks>A thread that waits in recv(2) itself is woken twice for each answer: a Unix socket also wakes it when the other end takes in the
/// request, since then there is room to send more.</remarks>
/// <param name="socket">With a time limit for receiving. Becomes this object's own.</param>
internal sealed class PolledStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    /// <exception cref="IOException">Nothing came within the socket's time limit, or the connection is lost.</exception>
    public override int Read(Span<byte> buffer)
    {
        TimeSpan limit = TimeSpan.FromMilliseconds(Socket.ReceiveTimeout);
        try
        {
            return Socket.Poll(limit, SelectMode.SelectRead)
                ? base.Read(buffer)
                : throw new IOException($"no answer within {limit.TotalMilliseconds} ms");
        }
        catch (SocketException lost)
        {
            throw new IOException(lost.Message, lost);
        }
    }
}
