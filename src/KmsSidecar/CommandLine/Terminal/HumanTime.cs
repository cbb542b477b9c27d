using System.Globalization;

namespace KmsSidecar.CommandLine.Terminal;

/// <summary>Times as people say them: <c>in 3 days</c>, <c>5 minutes ago</c>.</summary>
internal static class HumanTime
{
    /// <summary>A time of the daemon's answers, also in upstream's form, which names the zone behind the offset; null for anything else.</summary>
    public static DateTimeOffset? Parse(string? text)
    {
        ReadOnlySpan<char> time = text.AsSpan();
        int zone = time.IndexOf('[');
        return DateTimeOffset.TryParse(
            zone < 0 ? time : time[..zone], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset parsed)
                ? parsed
                : null;
    }

    /// <summary>Relative to now; the text itself when it is no time.</summary>
    public static string Of(string? text) => Parse(text) is { } time ? Of(time - DateTimeOffset.UtcNow) : text ?? "";

    /// <param name="distance">Negative for what has been.</param>
    public static string Of(TimeSpan distance) =>
        distance.Duration() < TimeSpan.FromSeconds(1) ? "now" : distance > TimeSpan.Zero ? $"in {Length(distance)}" : $"{Length(distance)} ago";

    /// <summary>In the largest unit of which there are two, rounded: <c>36 hours</c>.</summary>
    public static string Length(TimeSpan length)
    {
        (string unit, double amount) = length.Duration() switch
        {
            { TotalDays: >= 2 and var days } => ("day", days),
            { TotalHours: >= 2 and var hours } => ("hour", hours),
            { TotalMinutes: >= 2 and var minutes } => ("minute", minutes),
            { TotalSeconds: var seconds } => ("second", seconds),
        };
        long count = (long)Math.Round(amount);
        return string.Create(CultureInfo.InvariantCulture, $"{count} {unit}{(count == 1 ? "" : "s")}");
    }

    /// <summary>The day, and how far it is.</summary>
    public static string Dated(string? text) => Parse(text) is { } time
        ? string.Create(CultureInfo.InvariantCulture, $"{time.UtcDateTime:yyyy-MM-dd HH:mm} UTC, {Of(time - DateTimeOffset.UtcNow)}")
        : text ?? "";
}
