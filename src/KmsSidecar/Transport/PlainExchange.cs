using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using KmsSidecar.Api;
using KmsSidecar.Crypto;
using KmsSidecar.Storage;

namespace KmsSidecar.Transport;

/// <summary>What a connection waits for next.</summary>
internal enum Progress
{
    Reading,

    /// <summary>The other end has to read first.</summary>
    Sending,

    /// <summary>All is sent; reading goes on.</summary>
    SendingDone,

    /// <summary>A handler is at work.</summary>
    Waiting,

    /// <summary>What it sent is for Kestrel to read, from the first unread byte.</summary>
    NotPlain,

    /// <summary>The other end is gone, or has its last answer.</summary>
    Ended,
}

/// <summary>Reads plain requests, runs them and sends the answers, in their order. The buffers are this object's, one for each loop.</summary>
internal sealed class PlainExchange(LocalRequests requests, TimeProvider clock) : IDisposable
{
    private const int InputLength = 64 * 1024;

    /// <summary>Kept for requests whose handlers wait.</summary>
    private const int MaxSpares = 64;

    /// <summary>Answers that are gathered before they are sent: a caller that does not read them is not served further.</summary>
    private const int MaxGathered = 128 * 1024;

    private readonly byte[] _input = GC.AllocateArray<byte>(InputLength, pinned: true);
    private readonly AnswerHead _head = new(clock);
    private readonly ConcurrentQueue<(DataConnection Connection, Call Call, CancellationTokenSource Limit)> _ended = new();
    private readonly Stack<(Call, CancellationTokenSource)> _spares = [];
    private readonly SecretBuffer _output = new();
    private Call _call = new();
    private CancellationTokenSource _limit = new();

    private volatile bool _isEnding;

    /// <summary>1 from a call of <see cref="Woken"/> to the <see cref="IsAwake"/> that answers it.</summary>
    private int _isWoken;

    /// <summary>Called, on any thread, when <see cref="TryResume"/> has something again.</summary>
    public Action Woken { get; set; } = static () => { };

    /// <summary>From now on an answer after which nothing else has arrived is the last of its connection.</summary>
    public bool IsEnding
    {
        get => _isEnding;
        set => _isEnding = value;
    }

    /// <summary>Sends or receives, whichever the connection waits for.</summary>
    public Progress Advance(DataConnection connection)
    {
        if (!connection.Unsent.IsEmpty)
        {
            Progress sending = Send(connection, connection.Unsent, isKept: true);
            return sending == Progress.Reading ? AfterSending(connection) : sending;
        }

        return Receive(connection);
    }

    /// <summary>To be said before the handlers that have ended are looked for: those that end from now on wake the loop again.</summary>
    public void IsAwake() => Interlocked.Exchange(ref _isWoken, 0);

    /// <summary>A connection whose handler has ended; its answer waits to be sent.</summary>
    public bool TryResume([NotNullWhen(true)] out DataConnection? connection)
    {
        bool isThere = _ended.TryDequeue(out (DataConnection Connection, Call Call, CancellationTokenSource Limit) ended);
        connection = ended.Connection;
        if (isThere)
        {
            Append(connection, ended.Call, isLast: _isEnding && !connection.HasUnread);
            connection.KeepUnsent(_output.WrittenSpan);
            connection.IsBusy = false;
            _output.Clear();
            Keep(ended.Call, ended.Limit);
        }

        return isThere;
    }

    /// <summary>Forgets what a fault left behind, so that no other connection is sent any of it.</summary>
    public void Reset()
    {
        _output.Clear();
        _call.Renew();
        CryptographicOperations.ZeroMemory(_input);
    }

    public void Dispose()
    {
        _call.Dispose();
        _output.Dispose();
        _limit.Dispose();
        while (_spares.TryPop(out (Call Call, CancellationTokenSource Limit) spare))
        {
            spare.Call.Dispose();
            spare.Limit.Dispose();
        }

        CryptographicOperations.ZeroMemory(_input);
    }

    private Progress AfterSending(DataConnection connection)
    {
        if (connection.IsLeaving)
        {
            return Progress.NotPlain;
        }

        if (connection.IsEnding)
        {
            return Progress.Ended;
        }

        Progress next = connection.HasUnread ? Serve(connection, connection.Unread) : Progress.Reading;
        return next == Progress.Reading ? Progress.SendingDone : next;
    }

    private Progress Receive(DataConnection connection)
    {
        Span<byte> room = connection.HasUnread ? connection.UnreadRoom(InputLength) : _input;
        int count = SocketCalls.Receive(connection.Descriptor, room);
        if (count <= 0)
        {
            bool isLater = count < 0 && Marshal.GetLastPInvokeError() is Errno.WouldBlock or Errno.Interrupted;
            return isLater ? Progress.Reading : Progress.Ended;
        }

        connection.ActiveAt = Environment.TickCount64;
        if (connection.HasUnread)
        {
            connection.Received(count);
            return Serve(connection, connection.Unread);
        }

        ReadOnlySpan<byte> input = room[..count];
        Progress progress = Serve(connection, input);
        CryptographicOperations.ZeroMemory(room[..count]);
        return progress;
    }

    private Progress Serve(DataConnection connection, ReadOnlySpan<byte> input)
    {
        while (true)
        {
            Progress next = Progress.Reading;
            bool isComplete = true;
            while (next == Progress.Reading && isComplete && _output.WrittenSpan.Length < MaxGathered && !input.IsEmpty)
            {
                next = ServeOne(connection, ref input, out isComplete);
            }

            bool isFull = next == Progress.Reading && isComplete && !input.IsEmpty;
            connection.IsLeaving = next == Progress.NotPlain;
            Progress sending = Send(connection, _output.WrittenSpan, isKept: false);
            _output.Clear();
            if (isFull && sending == Progress.Reading)
            {
                continue;
            }

            connection.KeepUnread(input);
            if (next == Progress.Waiting)
            {
                // What could not be sent is sent together with the answer that is to come.
                return Progress.Waiting;
            }

            return sending == Progress.Reading ? next : sending;
        }
    }

    /// <summary>Serves the first request of the input.</summary>
    /// <param name="isComplete">False when it is not all there; nothing was taken then.</param>
    private Progress ServeOne(DataConnection connection, ref ReadOnlySpan<byte> input, out bool isComplete)
    {
        isComplete = true;
        HeadKind kind = PlainHead.Read(input, out PlainHead head);
        if (kind == HeadKind.Incomplete)
        {
            isComplete = false;
            return Progress.Reading;
        }

        if (kind == HeadKind.NotPlain || requests.Find(head.Target, head.Operation) is not { } target || head.BodyLength > target.Route.MaxBodyBytes)
        {
            return Progress.NotPlain;
        }

        if (input.Length < head.Length + head.BodyLength)
        {
            isComplete = false;
            return Progress.Reading;
        }

        connection.HasAsked = true;
        _call.Actor = connection.Actor;
        _call.Audit.Subject = connection.Subject;
        _call.Cancellation = _limit.Token;
        _call.Input.Write(input.Slice(head.Length, head.BodyLength));
        input = input[(head.Length + head.BodyLength)..];
        ValueTask run = requests.RunAsync(target, _call);
        if (run.IsCompleted)
        {
            run.GetAwaiter().GetResult();
            Append(connection, _call, isLast: _isEnding && input.IsEmpty);

            // At once: what it holds is a key in clear.
            _call.Renew();
            return connection.IsEnding ? Progress.Ended : Progress.Reading;
        }

        connection.IsBusy = true;
        _limit.CancelAfter(target.Route.TimeLimit);
        ResumeAfter(run, connection, _call, _limit);
        (_call, _limit) = _spares.TryPop(out (Call, CancellationTokenSource) spare) ? spare : (new Call(), new CancellationTokenSource());
        return Progress.Waiting;
    }

    /// <summary>Keeps what the next request that waits can use; nothing of the last one is left in it.</summary>
    private void Keep(Call call, CancellationTokenSource limit)
    {
        if (_spares.Count < MaxSpares && limit.TryReset())
        {
            call.Renew();
            _spares.Push((call, limit));
            return;
        }

        call.Dispose();
        limit.Dispose();
    }

    private async void ResumeAfter(ValueTask run, DataConnection connection, Call call, CancellationTokenSource limit)
    {
        // It never throws.
        await run.ConfigureAwait(false);
        _ended.Enqueue((connection, call, limit));
        if (Interlocked.Exchange(ref _isWoken, 1) == 0)
        {
            Woken();
        }
    }

    /// <param name="isLast">If the other end has not sent more meanwhile; it cannot from here on.</param>
    private void Append(DataConnection connection, Call call, bool isLast)
    {
        if (isLast)
        {
            SocketCalls.EndReceiving(connection.Descriptor);
            connection.IsEnding = !SocketCalls.HasMore(connection.Descriptor);
        }

        _output.Advance(_head.Write(call, connection.IsEnding, _output.GetSpan(AnswerHead.MaxLength)));
        _output.Write(call.Output.WrittenSpan);
    }

    /// <param name="bytes">May be none.</param>
    /// <param name="isKept">They are the connection's own.</param>
    /// <returns>Reading when all is sent.</returns>
    private static Progress Send(DataConnection connection, ReadOnlySpan<byte> bytes, bool isKept)
    {
        if (!isKept && !connection.Unsent.IsEmpty)
        {
            connection.KeepUnsent(bytes);
            return Progress.Sending;
        }

        while (!bytes.IsEmpty)
        {
            int count = SocketCalls.Send(connection.Descriptor, bytes);
            if (count < 0)
            {
                switch (Marshal.GetLastPInvokeError())
                {
                    case Errno.Interrupted:
                        continue;
                    case Errno.WouldBlock:
                        if (!isKept)
                        {
                            connection.KeepUnsent(bytes);
                        }

                        return Progress.Sending;
                    default:
                        return Progress.Ended;
                }
            }

            bytes = bytes[count..];
            connection.ActiveAt = Environment.TickCount64;
            if (isKept)
            {
                connection.Sent(count);
                bytes = connection.Unsent;
            }
        }

        return Progress.Reading;
    }
}
