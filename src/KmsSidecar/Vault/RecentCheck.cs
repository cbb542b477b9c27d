namespace KmsSidecar.Vault;

/// <summary>Asks the same question at most once in <see cref="Life"/>, and once at a time, whoever wants to know. Thread-safe.</summary>
/// <param name="ask">Bounded in time.</param>
internal sealed class RecentCheck(Func<Task<VaultAnswer>> ask, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private Task<Finding>? _last;

    /// <summary>Null before the first.</summary>
    private long? _askedAt;

    /// <returns>Without a body.</returns>
    public async ValueTask<VaultAnswer> FindAsync(CancellationToken cancellation)
    {
        Finding found = await Current().WaitAsync(cancellation);
        return new VaultAnswer(found.Fault, found.Status, found.Sentence, found.Reason, body: null);
    }

    /// <summary>Returns when nothing is being asked, however that ended. For the end: nobody wants to know any more.</summary>
    public async ValueTask SettleAsync()
    {
        Task? last;
        lock (_lock)
        {
            last = _last;
        }

        if (last is not null)
        {
            await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task<Finding> Current()
    {
        lock (_lock)
        {
            bool isOld = _askedAt is not { } asked || clock.GetElapsedTime(asked) >= Life;
            if (_last is null || (_last.IsCompleted && (isOld || !_last.IsCompletedSuccessfully)))
            {
                _askedAt = clock.GetTimestamp();
                _last = AskAsync();
            }

            return _last;
        }
    }

    private async Task<Finding> AskAsync()
    {
        using VaultAnswer answer = await ask();
        return new Finding(answer.Fault, answer.Status, answer.Sentence, answer.Reason);
    }

    private sealed record Finding(VaultFault Fault, int Status, string Sentence, string Reason);
}
