using System.Runtime.InteropServices;

namespace KmsSidecar.Transport;

/// <summary>The system calls of the event loops: socket(7), epoll(7), eventfd(2). None of them blocks, but Wait.</summary>
internal static unsafe partial class SocketCalls
{
    /// <summary>Flags of epoll_event.</summary>
    public const uint Readable = 0x001;

    /// <inheritdoc cref="Readable"/>
    public const uint Writable = 0x004;

    public const int Add = 1;
    public const int Delete = 2;
    public const int Modify = 3;

    /// <summary>EPOLL_CLOEXEC and EFD_CLOEXEC.</summary>
    public const int CloseOnExec = 0x80000;

    private const int Peek = 0x02;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;

    /// <returns>Bytes; 0 at the end of the stream; -1 with an error number.</returns>
    public static int Receive(int socket, Span<byte> destination)
    {
        fixed (byte* bytes = destination)
        {
            return (int)Receive(socket, bytes, (nuint)destination.Length, DontWait);
        }
    }

    /// <returns>Bytes taken, which may be fewer than given; -1 with an error number.</returns>
    public static int Send(int socket, ReadOnlySpan<byte> source)
    {
        fixed (byte* bytes = source)
        {
            return (int)Send(socket, bytes, (nuint)source.Length, DontWait | NoSignal);
        }
    }

    /// <summary>Ends what the other end may send: from now on its send(2) fails with EPIPE. What it has sent before can still be received.</summary>
    /// <remarks>So unix(7) sockets do. TCP knows no such end, and goes on acknowledging.</remarks>
    public static void EndReceiving(int socket) => _ = ShutDown(socket, 0);

    /// <summary>Whether there is something to receive, which stays there.</summary>
    public static bool HasMore(int socket)
    {
        byte next = 0;
        return Receive(socket, &next, 1, DontWait | Peek) > 0;
    }

    /// <summary>Of an eventfd: takes its count.</summary>
    public static int Read(int descriptor, Span<byte> destination)
    {
        fixed (byte* bytes = destination)
        {
            return (int)Read(descriptor, bytes, (nuint)destination.Length);
        }
    }

    /// <param name="events">What to wait for. The descriptor comes back with it.</param>
    public static int Control(int epoll, int operation, int descriptor, uint events)
    {
        Span<byte> entry = stackalloc byte[EpollEvents.MaxEntryLength];
        EpollEvents.Write(entry, events, descriptor);
        fixed (byte* bytes = entry)
        {
            return Control(epoll, operation, descriptor, bytes);
        }
    }

    /// <returns>Number of entries filled; -1 with an error number.</returns>
    public static int Wait(int epoll, EpollEvents events, int milliseconds)
    {
        fixed (byte* bytes = events.Bytes)
        {
            return Wait(epoll, bytes, events.Capacity, milliseconds);
        }
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int CreateEpoll(int flags);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int CreateEvent(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "eventfd_write", SetLastError = true)]
    public static partial int Signal(int descriptor, ulong value);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(int epoll, int operation, int descriptor, byte* entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(int epoll, byte* events, int capacity, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, byte* bytes, nuint length);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    private static partial int ShutDown(int socket, int how);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int socket, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(int socket, byte* bytes, nuint length, int flags);
}
