namespace KmsSidecar.Bench.Load;

/// <summary>The times of one run, in monotonic nanoseconds.</summary>
/// <param name="Start">Where the schedule of an open loop begins.</param>
/// <param name="MeasuredFrom">Requests that start earlier warm both sides up and are not counted; their failures are.</param>
/// <param name="End">No request starts at or after it.</param>
internal readonly record struct LoadWindow(long Start, long MeasuredFrom, long End)
{
    public static LoadWindow StartingNow(TimeSpan warmup, TimeSpan duration)
    {
        long start = MonotonicClock.Now;
        long measuredFrom = start + MonotonicClock.Nanoseconds(warmup);
        return new LoadWindow(start, measuredFrom, measuredFrom + MonotonicClock.Nanoseconds(duration));
    }
}
