using System.Globalization;
using System.Text.RegularExpressions;

namespace KmsSidecar.Doubles.Core;

/// <summary>Durations as Go reads and writes them: <c>1h30m</c>, <c>5s</c>, or a bare number of seconds.</summary>
internal static partial class GoDuration
{
    public static TimeSpan Parse(string text)
    {
        if (double.TryParse(text, CultureInfo.InvariantCulture, out double seconds))
        {
            return TimeSpan.FromSeconds(seconds);
        }

        MatchCollection parts = Part().Matches(text);
        if (parts.Count == 0 || parts.Sum(static part => part.Length) != text.Length)
        {
            throw new VaultFailure(400, $"time: invalid duration \"{text}\"");
        }

        return parts.Aggregate(TimeSpan.Zero, static (sum, part) => sum + Unit(part.Groups[2].Value) * double.Parse(part.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>To the second: <c>1h0m5s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        long seconds = (long)duration.TotalSeconds;
        return seconds switch
        {
            < 60 => $"{seconds}s",
            < 3600 => $"{seconds / 60}m{seconds % 60}s",
            _ => $"{seconds / 3600}h{seconds / 60 % 60}m{seconds % 60}s",
        };
    }

    private static TimeSpan Unit(string unit) => unit switch
    {
        "ms" => TimeSpan.FromMilliseconds(1),
        "s" => TimeSpan.FromSeconds(1),
        "m" => TimeSpan.FromMinutes(1),
        "h" => TimeSpan.FromHours(1),
        _ => TimeSpan.FromDays(1),
    };

    [GeneratedRegex(@"(\d+(?:\.\d+)?)(ms|s|m|h|d)")]
    private static partial Regex Part();
}
