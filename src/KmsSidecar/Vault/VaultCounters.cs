using System.Collections.Immutable;

namespace KmsSidecar.Vault;

/// <summary>What has been sent, and what came of it. Thread-safe.</summary>
internal sealed class VaultCounters
{
    private readonly long[] _faults = new long[Enum.GetValues<VaultFault>().Length];
    private long _attempts;
    private long _retries;
    private long _opened;

    public long Attempts => Interlocked.Read(ref _attempts);

    /// <summary>Attempts beyond the first of their calls.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>How often a breaker has opened.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    public void CountAttempt(bool isRetry)
    {
        Interlocked.Increment(ref _attempts);
        if (isRetry)
        {
            Interlocked.Increment(ref _retries);
        }
    }

    public void CountOpened() => Interlocked.Increment(ref _opened);

    /// <summary>Of an attempt, or of a call that was not sent.</summary>
    public void Count(VaultFault fault)
    {
        if (fault != VaultFault.None)
        {
            Interlocked.Increment(ref _faults[(int)fault]);
        }
    }

    /// <summary>All but None, also those that have not been seen.</summary>
    public ImmutableArray<(VaultFault Fault, long Count)> Failures() =>
        [.. Enum.GetValues<VaultFault>().Where(static fault => fault != VaultFault.None).Select(fault => (fault, Interlocked.Read(ref _faults[(int)fault])))];
}
