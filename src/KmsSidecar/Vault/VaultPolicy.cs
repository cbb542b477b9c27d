namespace KmsSidecar.Vault;

/// <summary>How much is asked of a server at once, how often, and with which pauses. RustFS's numbers, but for the queue, which is longer.</summary>
internal static class VaultPolicy
{
    /// <summary>Calls under way at a time, one of which is kept for credentials.</summary>
    public const int MaxConcurrent = 64;

    /// <summary>Calls that wait for their turn, none of them beyond its deadline: some batches of many keys at once must have room.</summary>
    public const int MaxWaiting = 1024;

    /// <summary>Failures in a row, by which the breaker opens.</summary>
    public const int BreakingFailures = 5;

    /// <summary>A server that asks for a longer pause is not asked again within the call.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>The part of an attempt's time that must be left for one to begin.</summary>
    private const double ShortestAttempt = 0.1;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    /// <summary>What may be different a moment later.</summary>
    public static bool IsRetryable(VaultFault fault) => fault is
        VaultFault.Sealed or VaultFault.RateLimited or VaultFault.ServerError or VaultFault.Unreachable or VaultFault.TimedOut;

    /// <summary>Somewhere between half of its cap and the whole, so that the nodes of a cluster do not ask in step.</summary>
    /// <param name="failures">How many attempts have failed; at least 1.</param>
    public static TimeSpan PauseAfter(int failures) => CapAfter(failures) * (0.5 + (Random.Shared.NextDouble() / 2));

    /// <summary>For a call with all its attempts, pauses, and the wait for its turn.</summary>
    public static TimeSpan DeadlineOf(TimeSpan timeout, int attempts)
    {
        TimeSpan whole = attempts * timeout;
        for (int failures = 1; failures < attempts; failures++)
        {
            whole += CapAfter(failures);
        }

        return whole;
    }

    /// <summary>The time of an attempt, by what is left of the whole call's; null where that is not worth a try.</summary>
    public static TimeSpan? TimeoutOf(TimeSpan timeout, TimeSpan left) => left >= timeout ? timeout : left >= timeout * ShortestAttempt ? left : null;

    private static TimeSpan CapAfter(int failures) => failures > 5 ? LongestPause : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << (failures - 1)));
}
