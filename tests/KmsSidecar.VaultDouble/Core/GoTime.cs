using System.Globalization;

namespace KmsSidecar.Doubles.Core;

/// <summary>Times as Go writes them: RFC 3339 in UTC, the fraction without zeros at its end.</summary>
internal static class GoTime
{
    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
