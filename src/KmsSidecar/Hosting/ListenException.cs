using System.Net;
using System.Net.Sockets;
using KmsSidecar.Errors;

namespace KmsSidecar.Hosting;

/// <summary>An address or a socket cannot be had; the message names it.</summary>
internal sealed class ListenException(string message, Exception? inner = null, FaultCause cause = FaultCause.Address) : Exception(message, inner)
{
    public FaultCause Cause { get; } = cause;

    /// <summary>Of an address that the kernel does not give.</summary>
    public static ListenException For(EndPoint endpoint, SocketException refused) => refused.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => new ListenException(
            $"cannot listen on {endpoint}: another process listens there; end it (`ss -ltnp` shows it), or give another address with --listen", refused),
        SocketError.AddressNotAvailable => new ListenException(
            $"cannot listen on {endpoint}: no interface has that address; give one that `ip address` shows with --listen", refused),
        SocketError.AccessDenied => new ListenException(
            $"cannot listen on {endpoint}: permission denied; give a port above 1023 with --listen, or the unit AmbientCapabilities=CAP_NET_BIND_SERVICE",
            refused,
            FaultCause.NoPermission),
        _ => new ListenException($"cannot listen on {endpoint}: {refused.Message}", refused),
    };
}
