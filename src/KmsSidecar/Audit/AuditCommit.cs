namespace KmsSidecar.Audit;

/// <summary>Those who wait for the next flush together: one write to the disk serves all of them.</summary>
/// <remarks>Whoever waits adds its record first and joins then. <see cref="Take"/> comes before the records are taken, so all who are in what it
/// returns have their records among them.</remarks>
internal sealed class AuditCommit
{
    private TaskCompletionSource<bool> _next = New();
    private int _isAsked;

    public bool IsAsked => Volatile.Read(ref _isAsked) != 0;

    /// <summary>Ends with whether the record is on disk.</summary>
    public Task<bool> Join()
    {
        Task<bool> joined = Volatile.Read(ref _next).Task;
        Interlocked.Exchange(ref _isAsked, 1);
        return joined;
    }

    /// <summary>The next flush is for these; null when nobody waits.</summary>
    public TaskCompletionSource<bool>? Take() => Interlocked.Exchange(ref _isAsked, 0) == 0 ? null : Interlocked.Exchange(ref _next, New());

    private static TaskCompletionSource<bool> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
