using System.Globalization;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>How long to wait for what may come by itself, and what the user is told meanwhile.</summary>
/// <param name="limit">For the whole command; zero to wait for nothing.</param>
/// <param name="tell">Gets a line of progress; null when the waiting is over.</param>
internal sealed class Patience(TimeSpan limit, TimeProvider clock, Action<string?> tell)
{
    /// <summary>Short, for what is waited for is on this node or near it; long enough to be no load.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly long _started = clock.GetTimestamp();

    /// <summary>Waits a moment, after which it is worth another try.</summary>
    /// <returns>False, at once, when the time is over.</returns>
    public async Task<bool> WaitAsync(string why, CancellationToken cancellation)
    {
        TimeSpan waited = clock.GetElapsedTime(_started);
        if (waited >= limit)
        {
            tell(null);
            return false;
        }

        tell(string.Create(CultureInfo.InvariantCulture, $"waiting ({waited.TotalSeconds:0} of {limit.TotalSeconds:0} s): {why}"));
        TimeSpan left = limit - waited;
        await Task.Delay(left < Pause ? left : Pause, clock, cancellation);
        return true;
    }

    /// <summary>What was waited for is there.</summary>
    public void Rest() => tell(null);
}
