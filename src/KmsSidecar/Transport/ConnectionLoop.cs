using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using KmsSidecar.Observability;
using KmsSidecar.Storage;

namespace KmsSidecar.Transport;

/// <summary>One thread that waits for all of its connections at once (epoll(7)) and serves each plain request where it was read.</summary>
/// <remarks>
/// <para>A request costs two system calls and a share of a third, and no hop between threads. A handler that has to wait (for a backend over a
/// network) is left to end on the thread pool, and its connection rests until then; others go on.</para>
/// <para><see cref="Add"/> and <see cref="StopAsync"/> may be called from any thread.</para>
/// </remarks>
internal sealed partial class ConnectionLoop : IDisposable
{
    private const int EventsAtOnce = 64;
    private const int SweepEveryMilliseconds = 1_000;
    private const int StopWithinMilliseconds = 10_000;

    /// <summary>How long the end waits for the next request of a connection: a caller that is busy asks again within that, and is told with the
    /// answer that it was the last.</summary>
    private const int NextRequestMilliseconds = 50;

    /// <summary>And for the first of a new connection, which nobody opens for nothing.</summary>
    private const int FirstRequestMilliseconds = 1_000;

    /// <summary>A request that takes longer to arrive is Kestrel's, which has the limits for that.</summary>
    private const long PatienceMilliseconds = 1_000;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly EpollEvents _events = new(EventsAtOnce);
    private readonly ConcurrentDictionary<int, DataConnection> _connections = new();
    private readonly PlainExchange _exchange;
    private readonly Action<DataConnection> _handOver;
    private readonly TimeSpan _idle;
    private readonly ILogger _log;
    private readonly LogThrottle _faults = new(TimeProvider.System, TimeSpan.FromSeconds(1));
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _stopAt;
    private long _sweptAt = Environment.TickCount64;
    private long _turnedAt = Environment.TickCount64;

    /// <param name="exchange">This loop's own.</param>
    /// <param name="handOver">Takes over a connection with its socket; it has been forgotten here.</param>
    /// <param name="idle">Between two requests.</param>
    public ConnectionLoop(PlainExchange exchange, Action<DataConnection> handOver, TimeSpan idle, ILogger log)
    {
        (_exchange, _handOver, _idle, _log) = (exchange, handOver, idle, log);
        _epoll = Require(SocketCalls.CreateEpoll(SocketCalls.CloseOnExec));
        _wake = Require(SocketCalls.CreateEvent(0, SocketCalls.CloseOnExec));
        _ = Require(SocketCalls.Control(_epoll, SocketCalls.Add, _wake, SocketCalls.Readable));
        _exchange.Woken = Wake;
    }

    public int Count => _connections.Count;

    /// <summary>When it last went round, which it does at least once in a second: a tick count.</summary>
    public long TurnedAt => Volatile.Read(ref _turnedAt);

    public void Start(string name) => new Thread(Run) { Name = name, IsBackground = true }.Start();

    public void Add(DataConnection connection)
    {
        _connections[connection.Descriptor] = connection;
        if (!Watch(connection, Watched.ForReading))
        {
            Close(connection);
        }
    }

    /// <summary>Answers what has been received, then closes its connections. No caller is left in doubt: it has got its answer, or could not
    /// send its request.</summary>
    public Task StopAsync()
    {
        _stopAt = Environment.TickCount64 + StopWithinMilliseconds;
        _exchange.IsEnding = true;
        Wake();
        return _ended.Task;
    }

    public void Dispose()
    {
        _ = SocketCalls.Close(_epoll);
        _ = SocketCalls.Close(_wake);
        _exchange.Dispose();
    }

    private static int Require(int result) =>
        result >= 0 ? result : throw new IOException($"epoll: {Errno.Describe(Marshal.GetLastPInvokeError())}");

    private void Wake() => _ = SocketCalls.Signal(_wake, 1);

    private void Run()
    {
        while (!_exchange.IsEnding || !IsDrained())
        {
            int count = SocketCalls.Wait(_epoll, _events, _exchange.IsEnding ? SweepEveryMilliseconds / 100 : SweepEveryMilliseconds);
            for (int i = 0; i < count; i++)
            {
                Serve(_events.DescriptorAt(i));
            }

            long now = Environment.TickCount64;
            Volatile.Write(ref _turnedAt, now);
            if (!_exchange.IsEnding && now - _sweptAt >= SweepEveryMilliseconds)
            {
                _sweptAt = now;
                Sweep(now);
            }
        }

        _ended.SetResult();
    }

    private void Serve(int descriptor)
    {
        if (descriptor == _wake)
        {
            Span<byte> count = stackalloc byte[sizeof(ulong)];
            _ = SocketCalls.Read(_wake, count);
            _exchange.IsAwake();
            while (_exchange.TryResume(out DataConnection? ended))
            {
                Resume(ended);
            }
        }
        else if (_connections.TryGetValue(descriptor, out DataConnection? connection))
        {
            if (connection.IsBusy)
            {
                // It has sent more, or is gone: that is looked at when the handler has ended.
                Watch(connection, Watched.No);
                return;
            }

            Advance(connection);
        }
    }

    private void Resume(DataConnection connection)
    {
        if (connection.Watched == Watched.No && !Watch(connection, Watched.ForReading))
        {
            Close(connection);
            return;
        }

        Advance(connection);
    }

    /// <summary>Says what the loop is to be woken for; costs nothing where that stays as it is.</summary>
    private bool Watch(DataConnection connection, Watched watched)
    {
        if (connection.Watched == watched)
        {
            return true;
        }

        int operation = watched == Watched.No ? SocketCalls.Delete
            : connection.Watched == Watched.No ? SocketCalls.Add
            : SocketCalls.Modify;
        connection.Watched = watched;
        return SocketCalls.Control(
            _epoll, operation, connection.Descriptor, watched == Watched.ForWriting ? SocketCalls.Writable : SocketCalls.Readable) >= 0;
    }

    private void Advance(DataConnection connection)
    {
        Progress progress;
        try
        {
            progress = _exchange.Advance(connection);
        }
        catch (Exception bug)
        {
            // A fault of ours in one connection must not end the others.
            if (_faults.TryPass(out long others))
            {
                Log.ConnectionFailed(_log, others, bug);
            }

            _exchange.Reset();
            progress = Progress.Ended;
        }

        switch (progress)
        {
            case Progress.Reading or Progress.Waiting:
                break;
            case Progress.Sending:
                Watch(connection, Watched.ForWriting);
                break;
            case Progress.SendingDone:
                Watch(connection, Watched.ForReading);
                break;
            case Progress.NotPlain:
                Leave(connection);
                break;
            default:
                Close(connection);
                break;
        }
    }

    private void Sweep(long now)
    {
        foreach ((_, DataConnection connection) in _connections)
        {
            long quiet = now - connection.ActiveAt;
            if (connection.IsBusy)
            {
                continue;
            }

            bool isHalfway = connection.HasUnread && connection.Unsent.IsEmpty;
            if (isHalfway && quiet > PatienceMilliseconds)
            {
                Leave(connection);
            }
            else if (!isHalfway && quiet > _idle.TotalMilliseconds)
            {
                Close(connection);
            }
        }
    }

    private bool IsDrained()
    {
        long now = Environment.TickCount64;
        foreach ((_, DataConnection connection) in _connections)
        {
            int patience = connection.HasAsked ? NextRequestMilliseconds : FirstRequestMilliseconds;
            if (now > _stopAt)
            {
                // A request that is half there has had the time that a body may take.
                Close(connection);
            }
            else if (!connection.IsBusy && connection.Unsent.IsEmpty && !connection.HasUnread && now - connection.ActiveAt >= patience)
            {
                // In this order: what came before is there to be read and is answered, and what would come after cannot be sent.
                SocketCalls.EndReceiving(connection.Descriptor);
                Advance(connection);
            }
        }

        return _connections.IsEmpty;
    }

    private void Leave(DataConnection connection)
    {
        Forget(connection);
        _handOver(connection);
    }

    private void Close(DataConnection connection)
    {
        Forget(connection);
        connection.Dispose();
        connection.Socket.Dispose();
    }

    private void Forget(DataConnection connection)
    {
        if (_connections.TryRemove(connection.Descriptor, out _))
        {
            _ = SocketCalls.Control(_epoll, SocketCalls.Delete, connection.Descriptor, 0);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventIds.ConnectionFailed, LogLevel.Error, "a connection of the data socket failed and was closed; {Others} more since the last such line")]
        public static partial void ConnectionFailed(ILogger log, long others, Exception bug);
    }
}
