using System.Globalization;

namespace KmsSidecar.CommandLine.Top;

/// <summary>Numbers as a person reads them at a glance.</summary>
internal static class Quantity
{
    private const double Minute = 60;
    private const double Hour = 60 * Minute;
    private const double Day = 24 * Hour;

    public static string Rate(double perSecond) => perSecond.ToString(perSecond is > 0 and < 10 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    public static string Count(double number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A latency; a dash for none.</summary>
    public static string Latency(double? seconds) => seconds switch
    {
        null => "-",
        double.PositiveInfinity => "> 10 s",
        < 0.001 => Format(seconds.Value * 1e6, "µs"),
        < 1 => Format(seconds.Value * 1e3, "ms"),
        _ => Format(seconds.Value, "s"),
    };

    /// <summary>How long something has been, or will be.</summary>
    public static string Span(double seconds) => seconds switch
    {
        < 0 => "over",
        < 2 * Minute => Format(seconds, "s"),
        < 2 * Hour => Format(Math.Floor(seconds / Minute), "min"),
        < 2 * Day => Format(Math.Floor(seconds / Hour), "h"),
        _ => Format(Math.Floor(seconds / Day), "d"),
    };

    public static string Bytes(double bytes) => bytes < 1e9 ? Format(bytes / 1e6, "MB") : Format(bytes / 1e9, "GB");

    public static string Percent(double share) => Format(share * 100, "%");

    private static string Format(double value, string unit) =>
        $"{value.ToString(value is > 0 and < 10 && value != Math.Floor(value) ? "0.0" : "#,0", CultureInfo.InvariantCulture)} {unit}";
}
