using System.Diagnostics;
using System.Globalization;
using KmsSidecar.Errors;

namespace KmsSidecar.Audit;

/// <summary>The thread that takes records from the ring, chains them, and writes them.</summary>
/// <remarks>Nothing of it is on a request's way, unless the request waits for the disk. The properties may be read on any thread.</remarks>
internal sealed class AuditWriter(AuditSettings settings, AuditRing ring, AuditChain chain, AuditStore store, TimeProvider clock) : IDisposable
{
    /// <summary>From the end of an operation to its record on disk, at most, when its caller does not wait for that.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    /// <summary>Records come together for so long at most before they are written.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan ShortestGather = TimeSpan.FromMilliseconds(1);

    /// <summary>A larger portion would keep a processor from the requests for too long.</summary>
    private const int RecordsAtOnce = 256;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly AuditCommit _commit = new();
    private readonly AutoResetEvent _wake = new(false);
    private Thread? _thread;
    private int _isAsleep;
    private volatile bool _isEnding;
    private long _retryAt;
    private TimeSpan _gather = Gather;

    /// <summary>Timestamp of the first record that is not on disk; 0 when all are.</summary>
    private long _behindSince;

    private long _lost;
    private long _lostInAll;
    private long _written;
    private volatile string? _fault;

    /// <summary>Why nothing can be written; null when all is well.</summary>
    public string? Fault => _fault;

    /// <summary>Records on disk, by this process.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Operations that were done and have no record.</summary>
    public long Lost => Volatile.Read(ref _lostInAll);

    /// <summary>For how long the oldest record has been waiting to be on disk.</summary>
    public TimeSpan Lag => Volatile.Read(ref _behindSince) is not 0 and long since ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    public void Start()
    {
        _thread = new Thread(Run) { Name = "audit", IsBackground = true };
        _thread.Start();
    }

    /// <summary>A record was added.</summary>
    public void Notice()
    {
        // The record has to be seen before the flag is looked at: the thread does the two in the other order.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isAsleep) != 0 && Interlocked.Exchange(ref _isAsleep, 0) != 0)
        {
            _wake.Set();
        }
    }

    /// <summary>Has what was added before written at once.</summary>
    /// <returns>Whether it is on disk.</returns>
    public Task<bool> FlushAsync()
    {
        Task<bool> flushed = _commit.Join();
        _wake.Set();
        return flushed;
    }

    /// <summary>One more operation has no record; told in the log when it can be.</summary>
    public void NoteLost()
    {
        Interlocked.Increment(ref _lost);
        Interlocked.Increment(ref _lostInAll);
    }

    /// <summary>Writes what is there, and a last signed head.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _wake.Set();
        _thread?.Join();
        _wake.Dispose();
        chain.Dispose();
    }

    private void Run()
    {
        bool isLast = false;
        Turn(isLast);
        while (!isLast)
        {
            Rest();
            isLast = _isEnding;
            Turn(isLast);
        }
    }

    private void Rest()
    {
        Interlocked.Exchange(ref _isAsleep, 1);
        bool isWork = _commit.IsAsked || _isEnding || (ring.Count > 0 && _fault is null);
        if (!isWork)
        {
            _wake.WaitOne(Deadline());
        }

        Interlocked.Exchange(ref _isAsleep, 0);
        NoteBehind();
        if (!_commit.IsAsked && !_isEnding && _fault is null)
        {
            _wake.WaitOne(_gather);
        }
    }

    /// <summary>How long nothing has to be done, unless a record comes.</summary>
    private TimeSpan Deadline()
    {
        TimeSpan untilFlush = Volatile.Read(ref _behindSince) == 0 ? TimeSpan.MaxValue : Window - Gather - Lag;
        TimeSpan next = _fault is not null ? Retry : untilFlush < store.UntilHead ? untilFlush : store.UntilHead;
        return next == TimeSpan.MaxValue ? Timeout.InfiniteTimeSpan : next < TimeSpan.Zero ? TimeSpan.Zero : next;
    }

    private void Turn(bool isLast)
    {
        TaskCompletionSource<bool>? waiting = _commit.Take();
        bool isWritten = false;
        try
        {
            if (_fault is null || isLast || Stopwatch.GetTimestamp() >= _retryAt)
            {
                Write(isFlushed: waiting is not null || isLast, isLast);
                isWritten = true;
            }
        }
        catch (KmsException failed)
        {
            Fail(failed.Message);
        }

        waiting?.SetResult(isWritten);
    }

    private void Write(bool isFlushed, bool isLast)
    {
        store.EnsureOpen(chain);
        Drain();
        TellLost();
        store.Append(chain);
        if (isFlushed || (Volatile.Read(ref _behindSince) != 0 && Lag >= Window - (2 * Gather)))
        {
            store.Flush();
            Volatile.Write(ref _behindSince, 0);
            Volatile.Write(ref _written, chain.Sequence - store.FormerSequence);
        }

        store.Maintain(chain, isLast);
        Recover();
    }

    /// <summary>Takes all that was added before it was called, the records that are still being added too.</summary>
    private void Drain()
    {
        SpinWait spin = default;
        long end = ring.Added;
        Pace(end - ring.Taken);
        NoteBehind();
        while (ring.Taken < end)
        {
            if (chain.IsFull)
            {
                store.Append(chain);
            }

            if (ring.TryTake(out AuditRecord record))
            {
                chain.Add(record);
            }
            else
            {
                spin.SpinOnce();
            }
        }
    }

    /// <summary>When many records come, they are written in smaller portions.</summary>
    private void Pace(long records)
    {
        TimeSpan next = records > RecordsAtOnce ? _gather / 2 : records < RecordsAtOnce / 4 ? _gather * 2 : _gather;
        _gather = next < ShortestGather ? ShortestGather : next > Gather ? Gather : next;
    }

    /// <summary>From now on a record waits, if none did before. Looked at again before records are taken: one may have come in between.</summary>
    private void NoteBehind()
    {
        if (ring.Count > 0 && Volatile.Read(ref _behindSince) == 0)
        {
            Volatile.Write(ref _behindSince, Stopwatch.GetTimestamp());
        }
    }

    private void TellLost()
    {
        if (Interlocked.Exchange(ref _lost, 0) is > 0 and long lost)
        {
            chain.AddLost(clock.GetUtcNow().UtcTicks, lost);
        }
    }

    private void Fail(string reason)
    {
        _retryAt = Stopwatch.GetTimestamp() + (long)(Retry.TotalSeconds * Stopwatch.Frequency);
        if (_fault is null)
        {
            AuditEvents.Failing(
                store.Log, settings.RefusesUnrecorded ? "so operations are refused" : "so operations go on without a record once the queue is full", reason);
        }

        _fault = reason;
    }

    private void Recover()
    {
        if (_fault is not null)
        {
            _fault = null;
            AuditEvents.Recovered(store.Log, Lost.ToString(CultureInfo.InvariantCulture));
        }
    }
}
