using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KmsSidecar.Bench.Load;

/// <summary>Nanoseconds of CLOCK_MONOTONIC, and sleeping until one of them.</summary>
/// <remarks>Thread.Sleep has a grain of a millisecond, twenty times the latency that is measured here.</remarks>
internal static partial class MonotonicClock
{
    public const long NanosecondsPerSecond = 1_000_000_000;

    private const int ClockMonotonic = 1;
    private const int TimerAbsolute = 1;
    private const int InterruptedBySignal = 4;
    private const int SetTimerSlack = 29;

    // On Linux Stopwatch reads CLOCK_MONOTONIC with a frequency of 10^9, so its timestamps are deadlines for clock_nanosleep.
    public static long Now => Stopwatch.GetTimestamp();

    public static long Nanoseconds(TimeSpan span) => span.Ticks * (NanosecondsPerSecond / TimeSpan.TicksPerSecond);

    /// <summary>Lets the kernel wake the calling thread on time instead of up to 50 µs late (PR_SET_TIMERSLACK of prctl(2)).</summary>
    public static void WakeThisThreadOnTime() => _ = Control(SetTimerSlack, 1);

    public static void SleepUntil(long deadline)
    {
        Timespec absolute = new(deadline / NanosecondsPerSecond, deadline % NanosecondsPerSecond);
        while (Now < deadline && Sleep(ClockMonotonic, TimerAbsolute, in absolute, 0) == InterruptedBySignal)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int Sleep(int clock, int flags, in Timespec deadline, nint remaining);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint argument);

    private readonly record struct Timespec(long Seconds, long Nanoseconds);
}
