namespace KmsSidecar.Operations;

/// <summary>Notices a wall clock that has jumped ahead, by the monotonic clock: between two looks both must have moved alike.</summary>
/// <remarks>A machine that slept looks like a jump, too: the monotonic clock stands still then. One thread at a time.</remarks>
internal sealed class WallClockWatch(TimeProvider clock)
{
    /// <summary>Beyond what time synchronisation corrects in one step on a machine that is well.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(15);

    private DateTimeOffset _wall = clock.GetUtcNow();
    private long _monotonic = clock.GetTimestamp();

    /// <param name="now">The wall clock at this look.</param>
    /// <returns>How far the wall clock has run ahead since the last look; zero within the tolerance, and when it went back.</returns>
    public TimeSpan Look(out DateTimeOffset now)
    {
        now = clock.GetUtcNow();
        long monotonic = clock.GetTimestamp();
        TimeSpan ahead = now - _wall - clock.GetElapsedTime(_monotonic, monotonic);
        (_wall, _monotonic) = (now, monotonic);
        return ahead > Tolerance ? ahead : TimeSpan.Zero;
    }
}
