namespace KmsSidecar.Observability;

/// <summary>Notices when the clock of the wall is set, by the one that only runs on.</summary>
/// <remarks>
/// <para>Signatures, sessions and deletions are judged by the wall clock. A jump lets old signatures in again or keeps good ones out, and makes
/// a deletion look due. Each look compares with the one before, so a clock that is slewed is no jump; a machine that slept looks like one,
/// because the monotonic clock stands still then.</para>
/// <para>Safe for concurrent use.</para>
/// </remarks>
internal sealed class ClockWatch(TimeProvider clock)
{
    /// <summary>The same as the longest time between a request and this clock, and beyond what time synchronisation corrects in one step.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private DateTimeOffset _wall = clock.GetUtcNow();
    private long _monotonic = clock.GetTimestamp();

    /// <param name="now">The wall clock at this look.</param>
    /// <returns>How far the clock has jumped since the last look, if by more than <see cref="Tolerance"/>; each jump is told once.</returns>
    public TimeSpan? FindJump(out DateTimeOffset now)
    {
        lock (_lock)
        {
            now = clock.GetUtcNow();
            long monotonic = clock.GetTimestamp();
            TimeSpan jump = now - _wall - clock.GetElapsedTime(_monotonic, monotonic);
            (_wall, _monotonic) = (now, monotonic);
            return jump.Duration() > Tolerance ? jump : null;
        }
    }
}
