namespace KmsSidecar.Audit;

/// <summary>How many calls of strangers are recorded: enough to see an attack, too few to fill a disk.</summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class RefusalBudget(TimeProvider clock)
{
    /// <summary>Two hundred bytes each: 35 MB in a day of nothing else.</summary>
    private const int PerSecond = 2;

    private const int Burst = 100;

    private readonly Lock _lock = new();
    private double _left = Burst;
    private long _at = clock.GetTimestamp();
    private long _heldBack;

    /// <param name="heldBack">How many were not recorded before this one.</param>
    /// <returns>False when this one is not recorded either.</returns>
    public bool TryTake(out long heldBack)
    {
        lock (_lock)
        {
            long now = clock.GetTimestamp();
            _left = Math.Min(Burst, _left + (clock.GetElapsedTime(_at, now).TotalSeconds * PerSecond));
            _at = now;
            if (_left < 1)
            {
                heldBack = 0;
                _heldBack++;
                return false;
            }

            _left--;
            heldBack = TakeHeldBack();
            return true;
        }
    }

    /// <summary>So many that were to be recorded have not been.</summary>
    public void HoldBack(long count)
    {
        lock (_lock)
        {
            _heldBack += count;
        }
    }

    /// <summary>How many are not told of yet; whoever asks tells of them.</summary>
    public long TakeHeldBack()
    {
        lock (_lock)
        {
            long heldBack = _heldBack;
            _heldBack = 0;
            return heldBack;
        }
    }
}
