using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace KmsSidecar.Auth;

/// <summary>Who is at the other end of a Unix-domain socket, as the kernel noted it at <c>connect</c>.</summary>
/// <remarks>
/// SO_PEERCRED and SO_PEERGROUPS, socket(7) and unix(7). The process id is for logs only: the process may have ended and another may have
/// its number by now. So nothing is read from <c>/proc/PID</c>, which besides tells what a process is after an <c>exec</c>, not what it was
/// when it connected.
/// </remarks>
/// <param name="ProcessId">The process that connected.</param>
/// <param name="UserId">Its effective user.</param>
/// <param name="GroupId">Its effective group.</param>
/// <param name="SupplementaryGroupIds">Its other groups.</param>
internal sealed record PeerCredentials(int ProcessId, uint UserId, uint GroupId, IReadOnlyList<uint> SupplementaryGroupIds)
{
    // asm-generic/socket.h, the same on x86-64 and arm64.
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int SoPeerGroups = 59;

    /// <summary>NGROUPS_MAX, limits.h.</summary>
    private const int MaxGroups = 65536;

    /// <summary>Asks the kernel about a connected socket; false for any other than a Unix-domain socket.</summary>
    /// <exception cref="SocketException">The socket is not connected.</exception>
    public static bool TryRead(Socket socket, [NotNullWhen(true)] out PeerCredentials? peer)
    {
        peer = null;
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            return false;
        }

        Span<int> ucred = stackalloc int[3];
        _ = socket.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(ucred));
        peer = new PeerCredentials(ucred[0], unchecked((uint)ucred[1]), unchecked((uint)ucred[2]), ReadGroups(socket));
        return true;
    }

    private static uint[] ReadGroups(Socket socket)
    {
        uint[] buffer = ArrayPool<uint>.Shared.Rent(MaxGroups);
        try
        {
            int bytes = socket.GetRawSocketOption(SolSocket, SoPeerGroups, MemoryMarshal.AsBytes(buffer.AsSpan(0, MaxGroups)));
            return buffer[..(bytes / sizeof(uint))];
        }
        finally
        {
            ArrayPool<uint>.Shared.Return(buffer);
        }
    }
}
