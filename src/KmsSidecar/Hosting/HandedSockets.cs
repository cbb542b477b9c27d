using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Errors;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>The listening sockets that systemd hands over (sd_listen_fds(3)), by the address to which each is bound.</summary>
/// <remarks>They go on without this process: nothing here unlinks their files, changes mode or group, or shuts them down, and what waits in
/// their queues is the next process's.</remarks>
internal sealed partial class HandedSockets
{
    public static readonly HandedSockets None = new([], []);

    private const int FirstDescriptor = 3;
    private const int MaxDescriptors = 1024;
    private const int SetDescriptorFlags = 2;
    private const int CloseOnExec = 1;

    private const int IpProtocolTcp = 6;
    private const int TcpDeferAccept = 9;

    private readonly Dictionary<string, Socket> _sockets = [];

    /// <param name="configured">Every address that the daemon listens on.</param>
    /// <param name="descriptors">Become this object's own.</param>
    /// <exception cref="KmsException">One of them is no listening stream socket, or listens on another address.</exception>
    public HandedSockets(IReadOnlyList<EndPoint> configured, IEnumerable<int> descriptors)
    {
        foreach (int descriptor in descriptors)
        {
            Socket socket = Open(descriptor);
            string address = socket.LocalEndPoint!.ToString()!;
            if (!configured.Any(endpoint => endpoint.ToString() == address))
            {
                throw Refused(
                    $"{address} was handed over but is not configured: remove its ListenStream= from the socket unit, or name it with --socket, --admin-socket or --listen");
            }

            if (!_sockets.TryAdd(address, socket))
            {
                throw Refused($"{address} was handed over twice: remove one ListenStream= from the socket unit");
            }
        }
    }

    /// <summary>What was handed to this process, if anything.</summary>
    /// <exception cref="KmsException">The service manager and the settings disagree; the message names both.</exception>
    public static HandedSockets Take(DaemonOptions options)
    {
        string? process = Environment.GetEnvironmentVariable("LISTEN_PID");
        string? count = Environment.GetEnvironmentVariable("LISTEN_FDS");
        foreach (string name in (string[])["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"])
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        if (count is null || process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
        {
            return None;
        }

        return int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= MaxDescriptors
            ? new HandedSockets(AddressesOf(options), Enumerable.Range(FirstDescriptor, number))
            : throw Refused($"LISTEN_FDS is not a number of sockets up to {MaxDescriptors}; have systemd set it, or nothing");
    }

    public static EndPoint[] AddressesOf(DaemonOptions options) =>
    [
        .. options.SocketPaths.Select(static path => new UnixDomainSocketEndPoint(path)),
        .. options.Listen.Select(static address => address.EndPoint),
    ];

    /// <summary>Null when it was not handed over.</summary>
    public Socket? Find(EndPoint endpoint) => _sockets.GetValueOrDefault(endpoint.ToString()!);

    public bool Has(string path) => _sockets.ContainsKey(path);

    /// <summary>Mode and group of a data socket that was handed over are the unit's: its group is let in as <c>--socket-group</c> is.</summary>
    /// <exception cref="KmsException"><c>--socket-group</c> is another.</exception>
    /// <exception cref="ListenException">The socket's file is gone.</exception>
    public DaemonOptions Settle(DaemonOptions options)
    {
        if (!Has(options.Socket))
        {
            return options;
        }

        FileStatus file = StatusOf(options.Socket);
        if (options.SocketGroup is { } group && group != file.GroupId)
        {
            throw Refused(
                $"{options.Socket} was handed over with group {file.GroupId} and --socket-group is {group}: set SocketGroup= in the socket unit to that group, or remove --socket-group");
        }

        return file.Permissions.HasFlag(UnixFileMode.GroupWrite) ? options with { SocketGroup = file.GroupId } : options;
    }

    private static FileStatus StatusOf(string path)
    {
        try
        {
            return Posix.Status(path);
        }
        catch (PosixException unseen)
        {
            throw new ListenException($"{path} was handed over, but its file cannot be seen: {unseen.Message}; restart the socket unit", unseen);
        }
    }

    private static Socket Open(int descriptor)
    {
        try
        {
            if (Control(descriptor, SetDescriptorFlags, CloseOnExec) >= 0)
            {
                Socket socket = new(new SafeSocketHandle(descriptor, ownsHandle: true));
                if (socket.SocketType == SocketType.Stream && IsListening(socket) && socket.LocalEndPoint is IPEndPoint or UnixDomainSocketEndPoint)
                {
                    DeferAccept(socket);
                    return socket;
                }
            }
        }
        catch (SocketException)
        {
            // Not a socket, or of another protocol.
        }

        throw Refused($"descriptor {descriptor}, which was handed over, is not a listening stream socket: use ListenStream= and Accept=no in the socket unit");
    }

    private static bool IsListening(Socket socket) => socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not 0;

    /// <summary>A TCP connection is accepted with its first bytes, so that at the end none has been accepted whose request is yet to come.</summary>
    private static void DeferAccept(Socket socket)
    {
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            socket.SetRawSocketOption(IpProtocolTcp, TcpDeferAccept, MemoryMarshal.AsBytes<int>([1]));
        }
    }

    private static KmsException Refused(string message) => new(KmsError.InvalidConfiguration, message);

    // fcntl(2) is variadic in C; on both Linux ABIs an int after the named arguments travels in the same register either way.
    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);
}
