namespace KmsSidecar.Auth;

/// <summary>How often something may happen, counted apart for each key: <paramref name="burst"/> times at once, then once in each
/// <paramref name="interval"/>.</summary>
/// <remarks>
/// Safe for concurrent use. What is kept of a bucket is the time at which it will be full again (the generic cell rate algorithm), so a
/// bucket that has filled up needs no entry, and one number is the whole entry. The table is bounded: beyond
/// <paramref name="capacity"/> keys the fullest bucket makes room, which forgets the fewest failures. Times are monotonic: a clock that
/// is set fills no bucket.
/// </remarks>
internal sealed class TokenBuckets<TKey>(int burst, TimeSpan interval, int capacity, TimeProvider clock)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, TimeSpan> _fullAt = [];
    private readonly long _origin = clock.GetTimestamp();

    /// <summary>How many keys have a bucket that is not full.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _fullAt.Count;
            }
        }
    }

    /// <summary>Whether nothing is left. Allocates nothing.</summary>
    public bool IsEmpty(TKey key)
    {
        lock (_lock)
        {
            return _fullAt.TryGetValue(key, out TimeSpan fullAt) && !HasOne(fullAt, Now);
        }
    }

    /// <summary>Takes one; false when nothing is left.</summary>
    public bool TryTake(TKey key)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            bool isKnown = _fullAt.TryGetValue(key, out TimeSpan fullAt);
            fullAt = fullAt > now ? fullAt : now;
            if (!HasOne(fullAt, now))
            {
                return false;
            }

            if (!isKnown && _fullAt.Count == capacity)
            {
                MakeRoom(now);
            }

            _fullAt[key] = fullAt + interval;
            return true;
        }
    }

    private TimeSpan Now => clock.GetElapsedTime(_origin);

    private bool HasOne(TimeSpan fullAt, TimeSpan now) => fullAt - now <= (burst - 1) * interval;

    private void MakeRoom(TimeSpan now)
    {
        TKey? fullest = default;
        TimeSpan earliest = TimeSpan.MaxValue;
        foreach ((TKey key, TimeSpan fullAt) in _fullAt)
        {
            if (fullAt <= now)
            {
                _fullAt.Remove(key);
            }
            else if (fullAt < earliest)
            {
                (fullest, earliest) = (key, fullAt);
            }
        }

        if (_fullAt.Count == capacity)
        {
            _fullAt.Remove(fullest!);
        }
    }
}
