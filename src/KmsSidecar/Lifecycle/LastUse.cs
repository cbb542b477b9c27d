namespace KmsSidecar.Lifecycle;

/// <summary>When a decrypt-only backend last opened an envelope, to the minute.</summary>
/// <remarks>Opening only leaves a mark, without lock, clock or allocation; <see cref="Settle"/>, called at least every minute, turns the mark
/// into a time. So the time may be up to a minute late and is never early. Thread-safe.</remarks>
internal sealed class LastUse
{
    private readonly Lock _gate = new();
    private bool _marked;
    private DateTimeOffset? _at;

    /// <summary>An envelope was opened. For the data path.</summary>
    public void Mark()
    {
        // Reading first keeps the cache line shared between cores.
        if (!Volatile.Read(ref _marked))
        {
            Volatile.Write(ref _marked, true);
        }
    }

    /// <summary>What an earlier process noted.</summary>
    public void Restore(DateTimeOffset at)
    {
        lock (_gate)
        {
            _at = at;
        }
    }

    /// <summary>The time of the last use, whole seconds; null when there was none.</summary>
    public DateTimeOffset? Settle(DateTimeOffset now)
    {
        lock (_gate)
        {
            if (Interlocked.Exchange(ref _marked, false))
            {
                _at = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
            }

            return _at;
        }
    }
}
