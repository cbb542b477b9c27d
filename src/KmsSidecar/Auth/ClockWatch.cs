namespace KmsSidecar.Auth;

/// <summary>Notices when the clock of the wall is set, by the one that only runs on.</summary>
/// <remarks>Requests and sessions are judged by the wall clock, as their senders' are; so a jump lets old signatures in again or keeps good
/// ones out, and the log should say why. Each look compares with the one before, so a clock that is slewed is no jump. Safe for concurrent
/// use.</remarks>
internal sealed class ClockWatch(TimeProvider clock)
{
    /// <summary>The same as the longest time between a request and this clock.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private DateTimeOffset _wall = clock.GetUtcNow();
    private long _monotonic = clock.GetTimestamp();

    /// <summary>How far the clock has jumped since the last look, if by more than <see cref="Tolerance"/>; each jump is told once.</summary>
    public TimeSpan? FindJump()
    {
        lock (_lock)
        {
            DateTimeOffset wall = clock.GetUtcNow();
            long monotonic = clock.GetTimestamp();
            TimeSpan jump = wall - _wall - clock.GetElapsedTime(_monotonic, monotonic);
            (_wall, _monotonic) = (wall, monotonic);
            return jump.Duration() > Tolerance ? jump : null;
        }
    }
}
