namespace KmsSidecar.Lifecycle;

/// <summary>When a decrypt-only backend last opened an envelope, to the minute.</summary>
/// <remarks>Opening is only counted, without lock, clock or allocation; <see cref="Settle"/>, called at least every minute, turns a new count
/// into a time. So the time may be up to a minute late and is never early. Thread-safe.</remarks>
internal sealed class LastUse
{
    private readonly Lock _gate = new();
    private long _count;
    private long _settled;
    private DateTimeOffset? _at;

    /// <summary>An envelope was opened. For the data path.</summary>
    public void Mark() => Interlocked.Increment(ref _count);

    /// <summary>Envelopes opened by this process.</summary>
    public long Count => Interlocked.Read(ref _count);

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
            if (Count is var count && count != _settled)
            {
                _settled = count;
                _at = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
            }

            return _at;
        }
    }
}
