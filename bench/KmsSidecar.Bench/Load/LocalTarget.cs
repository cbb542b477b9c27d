using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KmsSidecar.Bench.Load;

/// <summary>Reads the address of the server under load, and refuses every address outside this machine.</summary>
internal static class LocalTarget
{
    // sun_path of unix(7) holds 108 bytes, the last of them zero.
    private const int MaxSocketPathBytes = 107;

    /// <param name="text">A path that contains a slash, or ADDRESS:PORT with a loopback address; names are not resolved.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out EndPoint? endPoint,
        [NotNullWhen(false)] out string? problem)
    {
        endPoint = null;
        problem = null;
        if (text.Contains('/'))
        {
            if (Encoding.UTF8.GetByteCount(text) > MaxSocketPathBytes)
            {
                problem = $"the socket path is longer than {MaxSocketPathBytes} bytes";
                return false;
            }

            endPoint = new UnixDomainSocketEndPoint(text);
            return true;
        }

        if (!IPEndPoint.TryParse(text, out IPEndPoint? address) || address.Port == 0)
        {
            problem = $"'{text}' is neither the path of a Unix socket nor ADDRESS:PORT";
            return false;
        }

        if (!IPAddress.IsLoopback(address.Address))
        {
            problem = $"'{text}' is not on this machine: only Unix sockets and loopback addresses are put under load";
            return false;
        }

        endPoint = address;
        return true;
    }

    /// <summary>Connects a blocking socket whose calls fail after <paramref name="timeout"/>.</summary>
    /// <exception cref="SocketException">Nothing answers there.</exception>
    public static Socket Connect(EndPoint target, TimeSpan timeout)
    {
        bool isUnix = target is UnixDomainSocketEndPoint;
        Socket socket = new(target.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp)
        {
            ReceiveTimeout = (int)timeout.TotalMilliseconds,
            SendTimeout = (int)timeout.TotalMilliseconds,
        };
        try
        {
            if (!isUnix)
            {
                socket.NoDelay = true;
            }

            socket.Connect(target);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
