namespace KmsSidecar.Vault;

internal enum CircuitState
{
    Closed,
    Open,

    /// <summary>The time is over, and the next attempt, or the one under way, decides.</summary>
    HalfOpen,
}

/// <summary>Leaves a server alone for a while after failures in a row, then lets one attempt find out.</summary>
/// <remarks>Thread-safe. Every <see cref="TryEnter"/> that succeeds is followed by one of the three verdicts.</remarks>
internal sealed class CircuitBreaker(TimeProvider clock, TimeSpan period)
{
    private readonly Lock _lock = new();
    private int _failures;

    /// <summary>Null while closed.</summary>
    private long? _openedAt;
    private bool _isProbing;
    private string _lastFailure = "";

    public CircuitState State
    {
        get
        {
            lock (_lock)
            {
                return _openedAt is null ? CircuitState.Closed : IsOver ? CircuitState.HalfOpen : CircuitState.Open;
            }
        }
    }

    /// <summary>The sentence of the failure that opened it.</summary>
    public string LastFailure
    {
        get
        {
            lock (_lock)
            {
                return _lastFailure;
            }
        }
    }

    /// <summary>Until the next attempt is let through; zero when it would be now.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_lock)
            {
                return _openedAt is { } opened && !IsOver ? period - clock.GetElapsedTime(opened) : TimeSpan.Zero;
            }
        }
    }

    private bool IsOver => clock.GetElapsedTime(_openedAt!.Value) >= period;

    /// <summary>Whether <see cref="TryEnter"/> would let an attempt through.</summary>
    public bool CanEnter
    {
        get
        {
            lock (_lock)
            {
                return _openedAt is null || (IsOver && !_isProbing);
            }
        }
    }

    /// <param name="isProbe">This attempt decides; to be handed to the verdict.</param>
    public bool TryEnter(out bool isProbe)
    {
        lock (_lock)
        {
            isProbe = _openedAt is not null && IsOver && !_isProbing;
            _isProbing |= isProbe;
            return isProbe || _openedAt is null;
        }
    }

    /// <summary>The server is alive, whatever it said.</summary>
    /// <returns>It was open.</returns>
    public bool Succeeded()
    {
        lock (_lock)
        {
            bool wasOpen = _openedAt is not null;
            _failures = 0;
            _openedAt = null;
            _isProbing = false;
            return wasOpen;
        }
    }

    /// <returns>It is open now, and by this failure.</returns>
    public bool Failed(bool isProbe, string sentence)
    {
        lock (_lock)
        {
            // One that began before it opened says nothing new.
            if (_openedAt is not null && !isProbe)
            {
                return false;
            }

            _failures++;
            if (!isProbe && _failures < VaultPolicy.BreakingFailures)
            {
                return false;
            }

            _openedAt = clock.GetTimestamp();
            _isProbing = false;
            _lastFailure = sentence;
            return true;
        }
    }

    /// <summary>The caller has left before there was a verdict: the next attempt decides.</summary>
    public void Abandoned(bool isProbe)
    {
        lock (_lock)
        {
            _isProbing &= !isProbe;
        }
    }
}
