using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Load;

/// <summary>The loop over one connection. Its results are read after its thread has ended.</summary>
internal sealed class Worker(IKeyClient client)
{
    private bool _isConnected = true;

    public LatencyHistogram Latencies { get; } = new();

    /// <summary>Data keys received, those of the warm-up included.</summary>
    public long Answered { get; private set; }

    public long Errors { get; private set; }

    public Failure? FirstFailure { get; private set; }

    /// <summary>Requests of an open loop that were due before the end and found no time to start.</summary>
    public long Unsent { get; private set; }

    public int Reopened => client.Reopened;

    public long LastAnswerAt { get; private set; }

    /// <summary>The next request starts when the answer to the last one is there.</summary>
    public void RunClosedLoop(LoadWindow window)
    {
        long started = MonotonicClock.Now;
        while (_isConnected && started < window.End)
        {
            bool succeeded = TryExchange();
            long answered = MonotonicClock.Now;
            if (succeeded && started >= window.MeasuredFrom)
            {
                Latencies.Record(answered - started);
                LastAnswerAt = answered;
            }

            started = answered;
        }
    }

    /// <summary>Requests are due at fixed times, and a latency counts from the time the request was due.</summary>
    /// <remarks>
    /// A server that stalls delays the requests behind it; counting from when they were really sent would hide that
    /// (coordinated omission). Those still unsent at the end are recorded with the time they had waited by then.
    /// </remarks>
    /// <param name="firstDue">Of this connection: the schedules of all connections are offset against each other.</param>
    /// <param name="interval">Nanoseconds between two requests of this connection.</param>
    public void RunOpenLoop(LoadWindow window, double firstDue, double interval)
    {
        MonotonicClock.WakeThisThreadOnTime();
        for (long i = 0; ; i++)
        {
            long due = window.Start + (long)(firstDue + (i * interval));
            if (due >= window.End)
            {
                return;
            }

            bool isMeasured = due >= window.MeasuredFrom;
            long now = MonotonicClock.Now;
            if (!isMeasured && now >= window.MeasuredFrom)
            {
                // What the warm-up left behind is not carried into the measurement.
                continue;
            }

            if (!_isConnected || now >= window.End)
            {
                RecordUnsent(window.End - due, isMeasured);
                continue;
            }

            MonotonicClock.SleepUntil(due);
            bool succeeded = TryExchange();
            long answered = MonotonicClock.Now;
            if (succeeded && isMeasured)
            {
                Latencies.Record(answered - due);
                LastAnswerAt = answered;
            }
        }
    }

    private void RecordUnsent(long waited, bool isMeasured)
    {
        if (isMeasured)
        {
            Latencies.Record(waited);
            Unsent++;
        }
    }

    private bool TryExchange()
    {
        string? problem;
        try
        {
            if (client.TryExchange(out problem))
            {
                Answered++;
                return true;
            }
        }
        catch (IOException lost)
        {
            // One lost connection is one error: reconnecting in a loop would turn a dead server into a flood of them.
            _isConnected = false;
            problem = lost.Message;
        }

        Errors++;
        FirstFailure ??= new Failure(MonotonicClock.Now, problem);
        return false;
    }
}
