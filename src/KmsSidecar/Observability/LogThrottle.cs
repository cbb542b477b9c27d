namespace KmsSidecar.Observability;

/// <summary>Lets one event through in each interval, and counts those that it holds back.</summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class LogThrottle(TimeProvider clock, TimeSpan interval)
{
    private readonly Lock _lock = new();
    private long? _last;
    private long _heldBack;

    /// <param name="heldBack">How many have been held back since the last one that passed.</param>
    public bool TryPass(out long heldBack)
    {
        lock (_lock)
        {
            long now = clock.GetTimestamp();
            if (_last is { } last && clock.GetElapsedTime(last, now) < interval)
            {
                heldBack = 0;
                _heldBack++;
                return false;
            }

            heldBack = _heldBack;
            _heldBack = 0;
            _last = now;
            return true;
        }
    }
}
