namespace KmsSidecar.Audit;

/// <summary>One operation that has ended. Plain values: what it refers to does not change any more.</summary>
internal readonly struct AuditRecord
{
    public required AuditOperation Operation { get; init; }

    public required AuditSubject Subject { get; init; }

    /// <summary>UTC, in ticks: when the answer was ready.</summary>
    public long Time { get; init; }

    public AuditedKey Key { get; init; }

    /// <summary>Whom or what a change was about, where that is no key; null otherwise.</summary>
    public string? Target { get; init; }

    /// <summary>Data keys that were made by the one call; 0 for one.</summary>
    public int Count { get; init; }

    /// <summary>The place in its call, from 0; null when the call was about this alone.</summary>
    public int? Item { get; init; }

    /// <summary>HTTP.</summary>
    public int Status { get; init; }

    public long Microseconds { get; init; }

    public UInt128 RequestId { get; init; }

    /// <summary>Of the configuration.</summary>
    public long Generation { get; init; }

    /// <summary>Refusals that were not recorded before this one.</summary>
    public long HeldBack { get; init; }
}
