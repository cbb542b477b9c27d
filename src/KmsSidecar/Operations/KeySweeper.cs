using System.Collections.Immutable;
using KmsSidecar.Background;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;

namespace KmsSidecar.Operations;

/// <summary>Destroys the keys of the active backend whose deletion is due, and goes on with destructions that a crash interrupted.</summary>
/// <remarks>
/// <para>Never the default key. Each step looks anew under the lock of all changes, so a deletion that is cancelled in time is, and
/// operators wait for a few keys at most.</para>
/// <para>A wall clock that went back destroys nothing early. One that jumped ahead would: see <see cref="ClockWatch"/>. Across a restart a
/// jump looks like a node that was off; so a day passes before anything goes, and until then the jump is not taken for granted: one more
/// restart waits a day again.</para>
/// </remarks>
internal sealed class KeySweeper : IAsyncDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    /// <summary>From the start to the first pass: late enough that the start is over.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    /// <summary>From a start at which the clock is far ahead to the first key that is destroyed: time in which it is set right.</summary>
    public static readonly TimeSpan Probation = TimeSpan.FromDays(1);

    /// <summary>The shortest waiting period: a clock that is ahead by less cannot end one that has only begun.</summary>
    private static readonly TimeSpan FarAhead = TimeSpan.FromDays(7);

    /// <summary>Keys that are destroyed while other changes wait.</summary>
    private const int KeysPerStep = 8;

    private readonly KmsService _service;
    private readonly TimeProvider _clock;
    private readonly ClockWatch _watch;
    private readonly ILogger _log;
    private readonly BackgroundLoop _loop;

    /// <summary>Keys that are due and the default: each is logged once, not every minute.</summary>
    private HashSet<string> _blocked = [];

    /// <summary>How far the clock is ahead of when it was last believed, while that keeps keys from being destroyed.</summary>
    private TimeSpan? _ahead;
    private bool _hasToldOfProbation;
    private readonly long _start;
    private readonly Action<DateTimeOffset>? _believe;
    private DateTimeOffset? _believed;

    /// <param name="lastBelieved">What the clock said when it was last believed; null for the first start.</param>
    /// <param name="believe">Keeps that for the next start; told at least once a day.</param>
    public KeySweeper(
        KmsService service,
        TimeProvider clock,
        ILoggerFactory logs,
        DateTimeOffset? lastBelieved = null,
        Action<DateTimeOffset>? believe = null)
    {
        _start = clock.GetTimestamp();
        _ahead = lastBelieved is { } last && clock.GetUtcNow() - last is var ahead && ahead > FarAhead ? ahead : null;
        _believe = believe;
        _service = service;
        _clock = clock;
        _watch = new ClockWatch(clock);
        _log = logs.CreateLogger("rustfs::kms::audit");
        _loop = new BackgroundLoop(RunAsync);
    }

    /// <summary>Told of each key that was destroyed: its id, and its newest version.</summary>
    public Action<string, uint>? Destroyed { get; init; }

    /// <summary>Begins to look, once a minute, until disposed. To be called once.</summary>
    public void Start() => _loop.Start();

    /// <summary>One pass. Not to be called beside a running sweeper.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        if (_watch.FindJump(out DateTimeOffset now) is { } ahead && ahead > TimeSpan.Zero)
        {
            SweepLog.PutOff(_log, ahead);
            return;
        }

        if (_ahead is not null && _clock.GetElapsedTime(_start) >= Probation)
        {
            _ahead = null;
        }

        Believe(now);
        ImmutableArray<KeyDescription> due = await _service.ChangeKeysAsync(
            async snapshot => await snapshot.Backends[0].Backend!.FindDueAsync(now, cancellation), cancellation);
        if (!due.IsEmpty && IsOnProbation())
        {
            return;
        }

        HashSet<string> blocked = [];
        foreach (KeyDescription[] step in due.Chunk(KeysPerStep))
        {
            blocked.UnionWith(await _service.ChangeKeysAsync(snapshot => StepAsync(snapshot, step, now, cancellation), cancellation));
        }

        _blocked = blocked;
    }

    /// <summary>Returns when no pass is under way any more.</summary>
    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private bool IsOnProbation()
    {
        if (_ahead is { } ahead && !_hasToldOfProbation)
        {
            _hasToldOfProbation = true;
            SweepLog.OnProbation(_log, ahead);
        }

        return _ahead is not null;
    }

    private void Believe(DateTimeOffset now)
    {
        if (_ahead is null && !(_believed is { } last && (now - last).Duration() < Probation))
        {
            _believe?.Invoke(now);
            _believed = now;
        }
    }

    /// <returns>Those that are due, and the default key.</returns>
    private async Task<List<string>> StepAsync(
        Snapshot snapshot, KeyDescription[] step, DateTimeOffset now, CancellationToken cancellation)
    {
        IKeyBackend backend = snapshot.Backends[0].Backend!;
        List<string> blocked = [];
        foreach (KeyDescription found in step)
        {
            cancellation.ThrowIfCancellationRequested();

            // Since the pass began the deletion may have been cancelled, or the backend become another one.
            (_, KeyDescription? key) = await backend.FindAsync(found.KeyId, cancellation);
            if (key is null || !KeyRules.IsDue(key, now))
            {
                continue;
            }

            if (KeyImpact.Of(snapshot, key.KeyId).IsDefaultKey)
            {
                blocked.Add(key.KeyId);
                LogBlocked(key);
                continue;
            }

            await DestroyAsync(backend, key, now);
        }

        return blocked;
    }

    /// <summary>Runs to its end once begun, also when the daemon is told to stop: the line after it is to be true.</summary>
    private async Task DestroyAsync(IKeyBackend backend, KeyDescription key, DateTimeOffset now)
    {
        SweepLog.Destroying(_log, key.KeyId, key.Version, key.DeletionDate);
        try
        {
            await backend.DestroyAsync(key.KeyId, ifDueBy: now, CancellationToken.None);
            SweepLog.Destroyed(_log, key.KeyId, key.Version, key.DeletionDate);
            Destroyed?.Invoke(key.KeyId, key.Version);
        }
        catch (KmsException failed)
        {
            SweepLog.Failed(_log, key.KeyId, key.Version, key.DeletionDate, failed.Error, failed.Message);
        }
    }

    private void LogBlocked(KeyDescription key)
    {
        if (!_blocked.Contains(key.KeyId))
        {
            SweepLog.Blocked(_log, key.KeyId, key.DeletionDate);
        }
    }

    private async Task RunAsync(CancellationToken end)
    {
        await Task.Delay(FirstPause, _clock, end);
        while (true)
        {
            await TrySweepAsync(end);
            await Task.Delay(Interval, _clock, end);
        }
    }

    private async Task TrySweepAsync(CancellationToken end)
    {
        try
        {
            await SweepAsync(end);
        }
        catch (KmsException refused) when (refused.Error == KmsError.NotRunning)
        {
            // Nothing to sweep until it runs.
        }
        catch (Exception unexpected) when (unexpected is not OperationCanceledException)
        {
            SweepLog.PassFailed(_log, unexpected);
        }
    }
}
