using System.Globalization;
using KmsSidecar.Errors;

namespace KmsSidecar.Hosting;

/// <summary>Refuses to start while the clock cannot be right: signatures, certificates and the ends of waiting periods are told by it.</summary>
/// <remarks>A clock that is merely far from where it was may be right: a node was off. Then the daemon serves, and destroys nothing for a
/// day (<see cref="Operations.KeySweeper"/>).</remarks>
internal static class ClockGuard
{
    /// <summary>The .NET that this program runs on is of that month, so no earlier time is one at which it ran.</summary>
    private static readonly DateTimeOffset Earliest = new(2025, 11, 1, 0, 0, 0, TimeSpan.Zero);

    /// <exception cref="KmsException">The clock is before that.</exception>
    public static void Require(DateTimeOffset now)
    {
        if (now < Earliest)
        {
            string time = now.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            throw new KmsException(
                KmsError.InvalidConfiguration,
                FaultCause.Clock,
                $"the clock says {time} UTC, which cannot be right; set it with `timedatectl set-time`, or have it set with `timedatectl set-ntp true`");
        }
    }
}
