using System.Globalization;
using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Load;

/// <summary>The figures of one run; <see cref="ToString"/> is one line of name=value pairs, for people and for awk.</summary>
/// <param name="Answered">Requests, those of the warm-up included.</param>
internal sealed record LoadReport(
    LoadOptions Options,
    LatencyHistogram Latencies,
    long Answered,
    double OperationsPerSecond,
    double ClientMicrosecondsPerOperation,
    double? ServerMicrosecondsPerOperation,
    long Unsent,
    long Errors,
    long Reopened,
    Failure? FirstFailure)
{
    public static LoadReport Create(LoadOptions options, LoadWindow window, Worker[] workers, CpuSample used)
    {
        LatencyHistogram latencies = new();
        long lastAnswerAt = window.End;
        foreach (Worker worker in workers)
        {
            latencies.Add(worker.Latencies);
            lastAnswerAt = Math.Max(lastAnswerAt, worker.LastAnswerAt);
        }

        long unsent = workers.Sum(worker => worker.Unsent);
        double seconds = (double)(lastAnswerAt - window.MeasuredFrom) / MonotonicClock.NanosecondsPerSecond;

        // CPU time is taken over the whole run: a thread that samples in the middle is starved by a thousand busy ones.
        long answered = workers.Sum(worker => worker.Answered);
        double perOperation = 1.0 / Math.Max(1, answered);
        return new LoadReport(
            options,
            latencies,
            answered,
            (latencies.Count - unsent) / seconds,
            used.Client.TotalMicroseconds * perOperation,
            used.Server?.TotalMicroseconds * perOperation,
            unsent,
            workers.Sum(worker => worker.Errors),
            workers.Sum(worker => worker.Reopened),
            workers.Select(worker => worker.FirstFailure).MinBy(failure => failure?.At ?? long.MaxValue));
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"protocol={Name(Options.Protocol)} operation={Name(Options.Operation)} connections={Options.Connections} rate={Options.Rate} "
        + $"ops={Latencies.Count - Unsent} answered={Answered} ops_per_s={OperationsPerSecond:F0} keys_per_s={OperationsPerSecond * Options.Batch:F0} p50_us={Microseconds(50)} p90_us={Microseconds(90)} "
        + $"p99_us={Microseconds(99)} p999_us={Microseconds(99.9)} max_us={Microseconds(100)} "
        + $"client_cpu_us={ClientMicrosecondsPerOperation:F1} server_cpu_us={ServerMicrosecondsPerOperation ?? 0:F1} "
        + $"unsent={Unsent} errors={Errors} reopened={Reopened}");

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private string Microseconds(double percent) =>
        (Latencies.Percentile(percent) / 1000.0).ToString("F1", CultureInfo.InvariantCulture);
}
