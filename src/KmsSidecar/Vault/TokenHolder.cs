using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <summary>The token in use, whether it may be, and how its upkeep fares.</summary>
/// <remarks>Reading and using are thread-safe; <see cref="Replace"/> and what says how the upkeep fares are for one thread at a time.</remarks>
internal sealed class TokenHolder(VaultSettings settings, CredentialSource source, TimeProvider clock, ILogger log)
{
    /// <summary>What was found out about a token that Vault refused is believed for so long: a flood of refusals asks once.</summary>
    public static readonly TimeSpan VerdictLife = TimeSpan.FromSeconds(5);

    private readonly LogThrottle _failureLog = new(clock, TimeSpan.FromMinutes(1));
    private volatile VaultToken? _current;
    private volatile Verdict? _verdict;
    private volatile string? _lastError;
    private volatile bool _hasFailed;
    private volatile TaskCompletionSource _change = NewChange();
    private long _announced;
    private long _lastRenewal;

    /// <summary>Also where it may not be used any more; null before the first one, and after the last.</summary>
    public VaultToken? Current => _current;

    /// <summary>Of the last upkeep; null when it went well.</summary>
    public string? LastError => _lastError;

    public bool HasFailed => _hasFailed;

    /// <summary>When a token was last had, renewed or looked up; null before.</summary>
    public DateTimeOffset? LastRenewal => Interlocked.Read(ref _lastRenewal) is > 0 and long ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Ends when the upkeep has something else to wait for.</summary>
    public Task NextChange => _change.Task;

    /// <summary>The token to send with; null when there is none that may be used. The caller calls <see cref="VaultToken.Release"/>.</summary>
    public VaultToken? TryUse()
    {
        while (_current is { } current && IsUsable(current))
        {
            if (current.TryUse())
            {
                return current;
            }
        }

        return null;
    }

    /// <summary>Nothing is sent with a token that may end before its call does, or is known to be dead.</summary>
    public bool IsUsable(VaultToken token)
    {
        if (VerdictOn(token) == TokenVerdict.Dead)
        {
            return false;
        }

        TokenLife life = token.Life;
        TimeSpan window = settings.SafetyWindow ?? settings.Timeout;
        window = life.Granted / 4 is { } quarter && quarter < window ? quarter : window;
        return life.LeftAt(clock) is not { } left || left > window;
    }

    /// <summary>Null when nothing was found out lately.</summary>
    public TokenVerdict? VerdictOn(VaultToken token) =>
        _verdict is { } verdict && verdict.Generation == token.Generation && clock.GetElapsedTime(verdict.At) < VerdictLife ? verdict.Result : null;

    /// <summary>Why there is no token to send with, and the mend.</summary>
    public string RefusalSentence() => _lastError is { } error
        ? $"there is no token that Vault takes: {error}"
        : $"the token for Vault at {settings.Name} has ended; {source.Mend}";

    /// <param name="token">Taken over. Null for the end: there is none any more.</param>
    /// <returns>The former one; the caller's to release.</returns>
    public VaultToken? Replace(VaultToken? token)
    {
        VaultToken? former = _current;
        _current = token;
        return former;
    }

    public void Judged(VaultToken token, TokenVerdict result) => _verdict = new Verdict(token.Generation, clock.GetTimestamp(), result);

    /// <summary>The token in use is alive, and its life is known anew.</summary>
    public void Succeeded()
    {
        _lastError = null;
        _hasFailed = false;
        Interlocked.Exchange(ref _lastRenewal, clock.GetUtcNow().UtcTicks);
        AnnounceEnd(_current!);
        Changed();
    }

    public void Failed(KmsException reason)
    {
        _lastError = reason.Message;
        _hasFailed = true;
        if (_failureLog.TryPass(out long heldBack))
        {
            VaultLog.CredentialsFailed(log, settings.Name, reason.Message, heldBack);
        }

        Changed();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Changed() => Interlocked.Exchange(ref _change, NewChange()).TrySetResult();

    /// <summary>Once for each token of which no renewal, and no log-in, moves the end any further.</summary>
    private void AnnounceEnd(VaultToken token)
    {
        TokenLife life = token.Life;
        bool isLast = !source.CanReplace && (!life.IsRenewable || life.Ttl < life.Granted);
        if (isLast && life.LeftAt(clock) is { } left && _announced != token.Generation)
        {
            _announced = token.Generation;
            VaultLog.TokenEnds(log, settings.Name, (long)left.TotalSeconds, source.Mend);
        }
    }

    private sealed record Verdict(long Generation, long At, TokenVerdict Result);
}
