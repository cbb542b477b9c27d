using System.Diagnostics;
using System.Globalization;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Audit;

/// <summary>Puts lines into files: begins them, signs heads, rotates and removes. The writer's thread alone uses it.</summary>
/// <remarks>When a member throws, what was to be written still waits in the chain, and the same call may be made again.</remarks>
internal sealed class AuditStore : IDisposable
{
    private const int HeadRecords = 65_536;

    private static readonly TimeSpan HeadEvery = TimeSpan.FromMinutes(1);

    private readonly AuditSettings _settings;
    private readonly AuditLogFiles _files;
    private readonly AuditState _state;
    private readonly AuditSigner _signer;
    private readonly RefusalBudget _refusals;
    private readonly TimeProvider _clock;
    private GrowingFile? _file;
    private string _reason = "start";
    private int _tornBytes;
    private long _openedAt;
    private long _signedAt = Stopwatch.GetTimestamp();
    private long _signedSequence;
    private bool _isKept = true;

    /// <param name="last">Where the chain was found.</param>
    /// <param name="tornBytes">Of a broken line behind that.</param>
    public AuditStore(
        AuditSettings settings,
        AuditLogFiles files,
        AuditState state,
        AuditSigner signer,
        RefusalBudget refusals,
        AuditPosition last,
        int tornBytes,
        TimeProvider clock,
        ILogger log)
    {
        (_settings, _files, _state, _signer, _refusals, _clock, Log) = (settings, files, state, signer, refusals, clock, log);
        FormerSequence = _signedSequence = last.Sequence;
        _tornBytes = tornBytes;
    }

    public ILogger Log { get; }

    /// <summary>The last record of the process before.</summary>
    public long FormerSequence { get; }

    /// <summary>The last record that a head covers.</summary>
    public long SignedSequence => Volatile.Read(ref _signedSequence);

    /// <summary>When the last head was written, in seconds since 1970; 0 for none by this process.</summary>
    public long SignedTime { get; private set; }

    /// <summary>Of the file in use.</summary>
    public long FileBytes => _file?.Length ?? 0;

    /// <summary>Until the next head is due; the longest time there is when nothing is unsigned.</summary>
    public TimeSpan UntilHead { get; private set; } = TimeSpan.MaxValue;

    private long Now => _clock.GetUtcNow().UtcTicks;

    /// <summary>Begins a file where none is in use, or the one in use has been moved or deleted.</summary>
    public void EnsureOpen(AuditChain chain)
    {
        if (_file is { IsInPlace: false } && chain.Pending.IsEmpty)
        {
            AuditEvents.FileGone(Log, _file.FullPath);
            Close("missing");
            _files.Open();
        }

        if (_file is not null)
        {
            return;
        }

        _files.Publish(_signer);
        _file = _files.Create(chain.Sequence + 1);
        _openedAt = Stopwatch.GetTimestamp();
        AuditEvents.Opened(Log, _file.FullPath, Text(chain.Sequence + 1), _signer.KeyName);
        chain.AddFile(Now, _reason, typeof(AuditStore).Assembly.GetName().Version!.ToString(3), _signer.KeyName, _tornBytes);
        _tornBytes = 0;
        Append(chain);
        RemoveSurplus(chain);
    }

    public void Append(AuditChain chain)
    {
        if (!chain.Pending.IsEmpty)
        {
            _file!.Append(chain.Pending);
            chain.Written();
        }
    }

    public void Flush() => _file!.Flush();

    /// <summary>Signs, rotates and removes when it is time.</summary>
    /// <param name="isLast">The process ends.</param>
    public void Maintain(AuditChain chain, bool isLast)
    {
        if (isLast)
        {
            chain.AddEnd(Now);
        }

        bool isLong = _file!.Length >= _settings.FileBytes || Stopwatch.GetElapsedTime(_openedAt) >= _settings.FileAge;
        long unsigned = chain.Sequence - SignedSequence;
        if (isLast || isLong || unsigned >= HeadRecords || (unsigned > 0 && Stopwatch.GetElapsedTime(_signedAt) >= HeadEvery))
        {
            Sign(chain, isTold: isLast || isLong);
        }

        if (isLong && !isLast)
        {
            Close("rotation");
            EnsureOpen(chain);
        }

        UntilHead = chain.Sequence == SignedSequence ? TimeSpan.MaxValue : HeadEvery - Stopwatch.GetElapsedTime(_signedAt);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _files.Dispose();
        _signer.Dispose();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void Close(string reason)
    {
        _file!.Dispose();
        _file = null;
        _reason = reason;
    }

    private void Sign(AuditChain chain, bool isTold)
    {
        chain.AddHead(Now, _signer, _refusals.TakeHeldBack());
        Append(chain);
        Flush();
        AuditPosition head = chain.Position;
        Volatile.Write(ref _signedSequence, head.Sequence);
        _signedAt = Stopwatch.GetTimestamp();
        SignedTime = _clock.GetUtcNow().ToUnixTimeSeconds();
        Keep(head);
        if (isTold)
        {
            AuditEvents.Signed(Log, Text(head.Sequence), Convert.ToHexStringLower(head.Hash));
        }
    }

    /// <summary>The log itself is whole without it: what suffers is that a cut end is noticed.</summary>
    private void Keep(AuditPosition head)
    {
        try
        {
            _state.Keep(head);
            _isKept = true;
        }
        catch (KmsException refused)
        {
            if (_isKept)
            {
                AuditEvents.HeadNotKept(Log, refused.Message);
            }

            _isKept = false;
        }
    }

    /// <summary>That a file goes is on disk before it goes.</summary>
    private void RemoveSurplus(AuditChain chain)
    {
        while (_files.FindSurplus(_settings.KeptBytes, out long through) is { } name)
        {
            chain.AddRemoval(Now, name, through);
            Append(chain);
            Flush();
            _files.Delete(name);
            AuditEvents.Removed(Log, name);
        }
    }
}
