using System.Diagnostics;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Top;

/// <summary>The live dashboard, until a key or a signal ends it.</summary>
internal static class TopLoop
{
    public static async Task RunAsync(TopFeed feed, CancellationToken cancellation)
    {
        using EndingSignals end = new(cancellation);
        using AlternateScreen screen = new();
        while (!end.Token.IsCancellationRequested)
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
    private static void Wait(TopFeed feed, AlternateScreen screen, EndingSignals end)
    {
        long start = Stopwatch.GetTimestamp();
        (int, int) shown = default;
        while (!end.Token.IsCancellationRequested && Stopwatch.GetElapsedTime(start) < feed.Interval)
        {
            (int columns, int rows) = AlternateScreen.Size;
            if ((columns, rows) != shown)
            {
                AlternateScreen.Show(feed.Draw(columns, rows));
                shown = (columns, rows);
            }

            if (screen.ReadKey() is (byte)'q' or (byte)'Q' or AlternateScreen.ControlC)
            {
                end.End();
            }
        }
    }
}
