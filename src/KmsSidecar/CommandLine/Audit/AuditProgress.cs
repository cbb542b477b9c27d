using System.Diagnostics;

namespace KmsSidecar.CommandLine.Audit;

/// <summary>Shows on a terminal how far a long check is; elsewhere nothing.</summary>
internal sealed class AuditProgress : IDisposable
{
    private const int Megabyte = 1_000_000;
    private const string EraseLine = "\r\e[K";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly bool _isShown = !Console.IsErrorRedirected;
    private long _toldAt = Stopwatch.GetTimestamp();
    private bool _hasTold;

    /// <param name="bytes">Read so far.</param>
    public void Tell(long bytes)
    {
        if (_isShown && Stopwatch.GetElapsedTime(_toldAt) >= Interval)
        {
            _toldAt = Stopwatch.GetTimestamp();
            _hasTold = true;
            Console.Error.Write($"\r{bytes / Megabyte} MB checked");
        }
    }

    public void Dispose()
    {
        if (_hasTold)
        {
            Console.Error.Write(EraseLine);
        }
    }
}
