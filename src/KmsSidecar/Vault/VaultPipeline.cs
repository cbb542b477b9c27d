namespace KmsSidecar.Vault;

/// <summary>Sends calls of one kind as often, as many at once, and as soon as <see cref="VaultPolicy"/> allows. Thread-safe.</summary>
/// <param name="scope">For people: <c>operations</c>.</param>
internal sealed class VaultPipeline(
    string scope, VaultSettings settings, VaultTransport transport, Bulkhead bulkhead, VaultCounters counters, TimeProvider clock, ILogger log)
{
    private readonly TimeSpan _deadline = VaultPolicy.DeadlineOf(settings.Timeout, settings.Attempts);

    public CircuitBreaker Breaker { get; } = new(clock, settings.CircuitPeriod);

    /// <param name="token">The caller keeps it in use meanwhile; null for a call without one.</param>
    /// <param name="attempts">At most so many; the settings' where they are fewer.</param>
    /// <exception cref="OperationCanceledException">Only when <paramref name="cancellation"/> is cancelled.</exception>
    public async ValueTask<VaultAnswer> SendAsync(VaultCall call, VaultToken? token, CancellationToken cancellation, int attempts = int.MaxValue)
    {
        if (!Breaker.CanEnter)
        {
            return LeftAlone();
        }

        long start = clock.GetTimestamp();
        try
        {
            if (!await bulkhead.TryEnterAsync(() => new CancellationTokenSource(_deadline, clock), cancellation))
            {
                return NotSent(
                    VaultFault.Overloaded, $"{VaultPolicy.MaxWaiting} calls wait for Vault at {settings.Name} already; see its own load, or spread the load over more nodes");
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return NoTurn();
        }

        try
        {
            return await RepeatAsync(call, token, start, Math.Min(attempts, settings.Attempts), cancellation);
        }
        finally
        {
            bulkhead.Leave();
        }
    }

    private async ValueTask<VaultAnswer> RepeatAsync(VaultCall call, VaultToken? token, long start, int attempts, CancellationToken cancellation)
    {
        VaultAnswer? last = null;
        for (int attempt = 1; ; attempt++)
        {
            if (VaultPolicy.TimeoutOf(settings.Timeout, _deadline - clock.GetElapsedTime(start)) is not { } timeout)
            {
                return last ?? NoTurn();
            }

            if (!Breaker.TryEnter(out bool isProbe))
            {
                return last ?? LeftAlone();
            }

            last?.Dispose();
            VaultAttempt made = await TryAsync(call, token, isProbe, timeout, isRetry: attempt > 1, cancellation);
            last = made.Answer;
            counters.Count(last.Fault);
            if (last.Fault == VaultFault.TimedOut && timeout < settings.Timeout)
            {
                // What it lacked, it had spent waiting for its turn: the server is not to blame.
                Breaker.Abandoned(isProbe);
                return last;
            }

            if (!VaultPolicy.IsRetryable(last.Fault))
            {
                if (Breaker.Succeeded())
                {
                    VaultLog.CircuitClosed(log, settings.Name, scope);
                }

                return last;
            }

            bool hasOpened = Breaker.Failed(isProbe, last.Sentence);
            if (hasOpened)
            {
                counters.CountOpened();
                VaultLog.CircuitOpened(log, settings.Name, settings.CircuitPeriod.TotalSeconds, scope, last.Sentence);
            }

            TimeSpan pause = VaultPolicy.PauseAfter(attempt);
            pause = made.RetryAfter is { } asked && asked > pause ? asked : pause;
            bool mayRepeat = call.Repeat == VaultRepeat.Safe || !made.WasSent;
            if (hasOpened || !mayRepeat || attempt >= attempts || pause > VaultPolicy.LongestPause || pause >= _deadline - clock.GetElapsedTime(start))
            {
                return last;
            }

            try
            {
                await Task.Delay(pause, clock, cancellation);
            }
            catch (OperationCanceledException)
            {
                last.Dispose();
                throw;
            }
        }
    }

    private async ValueTask<VaultAttempt> TryAsync(
        VaultCall call, VaultToken? token, bool isProbe, TimeSpan timeout, bool isRetry, CancellationToken cancellation)
    {
        bool hasVerdict = false;
        try
        {
            counters.CountAttempt(isRetry);
            VaultAttempt made = await transport.SendAsync(call, token, timeout, cancellation);
            hasVerdict = true;
            return made;
        }
        finally
        {
            if (!hasVerdict)
            {
                Breaker.Abandoned(isProbe);
            }
        }
    }

    private VaultAnswer NoTurn() =>
        NotSent(VaultFault.Overloaded, $"the call had no turn at Vault at {settings.Name} within {_deadline.TotalSeconds:0.#} s; see its own load");

    private VaultAnswer LeftAlone() => NotSent(
        VaultFault.CircuitOpen, $"Vault at {settings.Name} is left alone for {settings.CircuitPeriod.TotalSeconds:0.#} s at a time after failures in a row: {Breaker.LastFailure}");

    private VaultAnswer NotSent(VaultFault fault, string sentence)
    {
        counters.Count(fault);
        return new VaultAnswer(fault, status: 0, sentence, reason: "", body: null);
    }
}
