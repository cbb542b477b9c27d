using System.Diagnostics;

namespace KmsSidecar.Bench.Load;

/// <summary>CPU time that both sides have used so far, user and system.</summary>
/// <param name="Server">Null when the server's process is not known. The kernel counts it in steps of 10 ms.</param>
internal readonly record struct CpuSample(TimeSpan Client, TimeSpan? Server)
{
    public static CpuSample operator -(CpuSample later, CpuSample earlier) =>
        new(later.Client - earlier.Client, later.Server - earlier.Server);

    /// <exception cref="InvalidOperationException">The server has ended.</exception>
    public static CpuSample Take(Process? server)
    {
        server?.Refresh();
        return new CpuSample(Environment.CpuUsage.TotalTime, server?.TotalProcessorTime);
    }
}
