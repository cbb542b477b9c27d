using System.Diagnostics;
using System.Globalization;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Observability;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;

namespace KmsSidecar.Audit;

/// <summary>The record of what was done: lines that are chained by hashes, in files beside the state, with signed heads.</summary>
/// <remarks>Safe for concurrent use until it is disposed, which writes what there is.</remarks>
internal sealed class AuditLog : IDisposable
{
    /// <summary>What <c>DIR</c> is where nothing else is said: under the state directory.</summary>
    public const string DirectoryName = "audit";

    /// <summary>Of the key that hashes encryption contexts.</summary>
    public const string ContextPurpose = "audit-context";

    /// <summary>What a fast node does in a tenth of a second.</summary>
    private const int QueueLength = 8192;

    /// <summary>A caller waits for room in the queue for so long, once: a disk that hangs must not hold everybody up.</summary>
    private static readonly TimeSpan LongestHold = TimeSpan.FromMilliseconds(500);

    /// <summary>And for the disk.</summary>
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(10);

    private readonly AuditRing _ring = new(QueueLength);
    private readonly AuditSettings _settings;
    private readonly AuditStore _store;
    private readonly AuditWriter _writer;
    private readonly RefusalBudget _refusals;
    private readonly SecretBytes _contextKey;
    private readonly TimeProvider _clock;
    private long _stuckAt = -1;

    private AuditLog(
        AuditSettings settings, AuditStore store, RefusalBudget refusals, AuditPosition last, SecretBytes contextKey, TimeProvider clock)
    {
        (_settings, _store, _refusals, _contextKey, _clock) = (settings, store, refusals, contextKey, clock);
        _writer = new AuditWriter(settings, _ring, new AuditChain(last, contextKey), store, clock);
    }

    /// <summary>Why nothing can be written; null when all is well.</summary>
    public string? Fault => _writer.Fault;

    /// <summary>Operations are to be refused now, because they could not be recorded.</summary>
    public bool Refuses => _settings.RefusesUnrecorded && _writer.Fault is not null;

    /// <summary>Goes on where the log was left.</summary>
    /// <param name="directory">Of the log.</param>
    /// <param name="state">Sealed, beside the daemon's own.</param>
    /// <exception cref="KmsException">StorageFailed: a directory cannot be used, or is another process's.</exception>
    public static AuditLog Open(
        AuditSettings settings,
        string directory,
        SealedFiles state,
        NodeMasterKey masterKey,
        IFileSteps steps,
        DirectoryLocks locks,
        TimeProvider clock,
        ILoggerFactory logs)
    {
        ILogger log = logs.CreateLogger(AuditEvents.Category);
        AuditLogFiles files = new(directory, steps, locks);
        try
        {
            files.Open();
            AuditState audit = new(state);
            AuditSigner signer = AuditSigner.LoadOrCreate(state);
            AuditTail? tail = files.ReadTail(out long firstSequence);
            AuditPosition last = Resume(tail, firstSequence, audit.FindHead(), log);
            RefusalBudget refusals = new(clock);
            AuditStore store = new(settings, files, audit, signer, refusals, last, tail?.TornBytes ?? 0, clock, log);
            AuditLog opened = new(settings, store, refusals, last, masterKey.DeriveKey(ContextPurpose), clock);
            opened._writer.Start();
            return opened;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Adds the record of an operation that has ended and is not answered yet.</summary>
    /// <remarks>Of calls by strangers no more are recorded than the budget has room for.</remarks>
    /// <returns>Whether it will be on disk soon.</returns>
    public bool Add(in AuditRecord record)
    {
        if (record.Operation.Kind == AuditKind.Access)
        {
            return !_refusals.TryTake(out long heldBack) || AddRefusal(record with { HeldBack = heldBack });
        }

        if (TryAdd(record))
        {
            return true;
        }

        _writer.NoteLost();
        return false;
    }

    /// <summary>Records what the daemon has done by nobody's request.</summary>
    /// <param name="generation">Of the configuration.</param>
    public void AddOwn(AuditOperation operation, long generation, in AuditedKey key)
    {
        AuditRecord record = new()
        {
            Operation = operation,
            Subject = AuditSubject.Daemon,
            Time = _clock.GetUtcNow().UtcTicks,
            Key = key,
            Generation = generation,
        };
        if (Add(record))
        {
            _ = _writer.FlushAsync();
        }
    }

    /// <summary>Waits until what was added is on disk, where it has to be before the answer. It ends at once for what need not.</summary>
    /// <param name="areAdded">Whether all records of the call were added.</param>
    /// <returns>Whether the call may be answered.</returns>
    public ValueTask<bool> CommitAsync(AuditKind kind, bool areAdded)
    {
        if (!areAdded || !(_settings.IsStrict || kind == AuditKind.Admin))
        {
            _writer.Notice();
            return new ValueTask<bool>(areAdded || !_settings.RefusesUnrecorded);
        }

        return new ValueTask<bool>(FlushAsync());
    }

    public void AddTo(Metrics metrics)
    {
        metrics.AddGauge("kms_sidecar_audit_failing", "1 while the audit log cannot be written.", () => Fault is null ? 0 : 1);
        metrics.AddGauge("kms_sidecar_audit_queue_records", "Records that wait to be written.", () => _ring.Count);
        metrics.AddGauge("kms_sidecar_audit_lag_seconds", "How long the oldest record has been waiting to be on disk.", () => _writer.Lag.TotalSeconds);
        metrics.AddCounter("kms_sidecar_audit_records_total", "Records that are on disk.", () => _writer.Written);
        metrics.AddCounter("kms_sidecar_audit_lost_total", "Operations that were done and have no record.", () => _writer.Lost);
        metrics.AddGauge("kms_sidecar_audit_file_bytes", "Length of the file in use.", () => _store.FileBytes);
        metrics.AddGauge("kms_sidecar_audit_signed_sequence", "Number of the last record that a signed head covers.", () => _store.SignedSequence);
        metrics.AddGauge("kms_sidecar_audit_signed_timestamp_seconds", "When the last head was signed, in seconds since 1970; 0 for not yet.", () => _store.SignedTime);
    }

    public void Dispose()
    {
        _writer.Dispose();
        _store.Dispose();
        _contextKey.Dispose();
    }

    /// <summary>The place that the next record follows. A log whose end is gone goes on behind what was signed, so that the gap shows.</summary>
    private static AuditPosition Resume(AuditTail? tail, long firstSequence, AuditPosition? head, ILogger log)
    {
        AuditPosition found = tail?.Last ?? new AuditPosition(firstSequence, AuditPosition.Start.Hash);
        if (head is null || head.Sequence <= found.Sequence)
        {
            return found;
        }

        AuditEvents.Cut(log, found.Sequence.ToString(CultureInfo.InvariantCulture), head.Sequence.ToString(CultureInfo.InvariantCulture));
        return head;
    }

    private async Task<bool> FlushAsync()
    {
        try
        {
            return await _writer.FlushAsync().WaitAsync(LongestFlush, _clock) || !_settings.RefusesUnrecorded;
        }
        catch (TimeoutException)
        {
            return !_settings.RefusesUnrecorded;
        }
    }

    private bool AddRefusal(in AuditRecord record)
    {
        bool isAdded = TryAdd(record);
        if (!isAdded)
        {
            _refusals.HoldBack(record.HeldBack + 1);
        }

        return isAdded;
    }

    private bool TryAdd(in AuditRecord record) => _ring.TryAdd(record) || (_writer.Fault is null && TryAddWhenThereIsRoom(record));

    /// <summary>Holds the caller back while the thread that writes catches up. Once that has been for nothing, nobody waits until it has moved.</summary>
    private bool TryAddWhenThereIsRoom(in AuditRecord record)
    {
        long taken = _ring.Taken;
        if (Volatile.Read(ref _stuckAt) == taken)
        {
            return false;
        }

        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < LongestHold && _writer.Fault is null)
        {
            _writer.Notice();
            Thread.Sleep(1);
            if (_ring.TryAdd(record))
            {
                return true;
            }
        }

        Volatile.Write(ref _stuckAt, taken);
        return false;
    }
}
