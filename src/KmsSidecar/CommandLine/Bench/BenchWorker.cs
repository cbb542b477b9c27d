using System.Diagnostics;
using System.Net.Sockets;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>Asks over one connection, one request after the other. Its results are read after its thread has ended.</summary>
internal sealed class BenchWorker(HttpConnection connection, byte[] request)
{
    public const int StatusesEnd = 600;

    private readonly int[] _refusals = new int[StatusesEnd];

    /// <summary>Of the requests that got what they asked for, in nanoseconds.</summary>
    public LatencyHistogram Latencies { get; } = new();

    /// <summary>Connections that ended, each with its last request.</summary>
    public int Lost { get; private set; }

    /// <summary>How often each status was the answer, successes aside.</summary>
    public ReadOnlySpan<int> Refusals => _refusals;

    /// <param name="end">A timestamp of <see cref="Stopwatch"/>; no request begins after it.</param>
    public void Run(long end, CancellationToken cancellation)
    {
        try
        {
            long began = Stopwatch.GetTimestamp();
            while (began < end && !cancellation.IsCancellationRequested)
            {
                HttpAnswer answer = connection.Exchange(request);
                long answered = Stopwatch.GetTimestamp();
                if (answer.IsSuccess)
                {
                    Latencies.Record((long)Stopwatch.GetElapsedTime(began, answered).TotalNanoseconds);
                }
                else
                {
                    _refusals[Math.Min(answer.Status, StatusesEnd - 1)]++;
                }

                began = answered;
            }
        }
        catch (Exception lost) when (lost is IOException or SocketException)
        {
            // Connecting again in a loop would turn one dead daemon into a flood of faults.
            Lost++;
        }
    }
}
