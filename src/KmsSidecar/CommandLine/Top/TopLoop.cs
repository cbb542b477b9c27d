using System.Diagnostics;
using System.Runtime.InteropServices;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Top;

/// <summary>The live dashboard, until a key or a signal ends it.</summary>
internal static class TopLoop
{
    public static async Task RunAsync(TopFeed feed, CancellationToken cancellation)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using PosixSignalRegistration terminated = EndOn(PosixSignal.SIGTERM, end);
        using PosixSignalRegistration interrupted = EndOn(PosixSignal.SIGINT, end);
        using PosixSignalRegistration hungUp = EndOn(PosixSignal.SIGHUP, end);
        using AlternateScreen screen = new();
        while (!end.IsCancellationRequested)
        {
            Wait(feed, screen, end);
            try
            {
                await feed.TryLookAsync(end.Token);
            }
            catch (OperationCanceledException)
            {
                // The one who ends it does not wait for the daemon.
            }
        }
    }

    /// <summary>Shows what is known, anew when the terminal's size changes, until it is time for the next look.</summary>
    private static void Wait(TopFeed feed, AlternateScreen screen, CancellationTokenSource end)
    {
        long start = Stopwatch.GetTimestamp();
        (int, int) shown = default;
        while (!end.IsCancellationRequested && Stopwatch.GetElapsedTime(start) < feed.Interval)
        {
            (int columns, int rows) = AlternateScreen.Size;
            if ((columns, rows) != shown)
            {
                AlternateScreen.Show(feed.Draw(columns, rows));
                shown = (columns, rows);
            }

            if (screen.ReadKey() is (byte)'q' or (byte)'Q' or AlternateScreen.ControlC)
            {
                end.Cancel();
            }
        }
    }

    private static PosixSignalRegistration EndOn(PosixSignal signal, CancellationTokenSource end) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        end.Cancel();
    });
}
