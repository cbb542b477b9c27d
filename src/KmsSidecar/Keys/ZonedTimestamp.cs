using System.Globalization;

namespace KmsSidecar.Keys;

/// <summary>RustFS's timestamps: RFC 3339 with a zone in brackets (RFC 9557), <c>2026-01-01T00:00:00.1234567+00:00[UTC]</c>.</summary>
internal static class ZonedTimestamp
{
    /// <summary>Characters of the longest that is written.</summary>
    public const int MaxWrittenLength = 38;

    /// <summary>Longest that is read: the RFC 3339 part has at most 35, zone names of the tz database at most 32.</summary>
    private const int MaxReadLength = 128;

    private const string Zone = "+00:00[UTC]";

    /// <summary>In UTC, the fraction without trailing zeros: the one form that all of RustFS's parsers take on every host.</summary>
    public static string Format(DateTimeOffset instant)
    {
        Span<char> text = stackalloc char[MaxWrittenLength];
        return new string(text[..Format(instant, text)]);
    }

    /// <param name="destination">At least <see cref="MaxWrittenLength"/> characters.</param>
    /// <returns>Characters written.</returns>
    /// <remarks>By hand, because every data key has one, and the framework reads its format anew each time.</remarks>
    public static int Format(DateTimeOffset instant, Span<char> destination)
    {
        DateTime utc = instant.UtcDateTime;
        (DateOnly date, TimeOnly time) = utc;
        "0000-00-00T00:00:00.0000000".CopyTo(destination);
        WriteDigits(destination[..4], date.Year);
        WriteDigits(destination[5..7], date.Month);
        WriteDigits(destination[8..10], date.Day);
        WriteDigits(destination[11..13], time.Hour);
        WriteDigits(destination[14..16], time.Minute);
        WriteDigits(destination[17..19], time.Second);
        WriteDigits(destination[20..27], (int)(utc.Ticks % TimeSpan.TicksPerSecond));
        int length = destination[..27].TrimEnd('0').TrimEnd('.').Length;
        Zone.CopyTo(destination[length..]);
        return length + Zone.Length;
    }

    private static void WriteDigits(Span<char> destination, int value)
    {
        for (int i = destination.Length - 1; i >= 0; i--)
        {
            (value, int digit) = int.DivRem(value, 10);
            destination[i] = (char)('0' + digit);
        }
    }

    /// <summary>Takes what RustFS's lenient parser takes: an offset or <c>Z</c>, with or without a zone in brackets.</summary>
    /// <remarks>The offset decides; the zone is not looked up. Never throws.</remarks>
    /// <param name="instant">In UTC; digits below 100 ns are cut off.</param>
    public static bool TryParse(string text, out DateTimeOffset instant)
    {
        instant = default;
        if (text.Length > MaxReadLength)
        {
            return false;
        }

        ReadOnlySpan<char> rest = text;
        int bracket = rest.IndexOf('[');
        if (bracket >= 0)
        {
            if (rest[^1] != ']' || rest.Length - bracket < "[x]".Length)
            {
                return false;
            }

            rest = rest[..bracket];
        }

        return TryTakeDateTime(ref rest, out DateTime local)
            && TryTakeFraction(ref rest, out long fraction)
            && TryTakeOffset(ref rest, out long offset)
            && rest.IsEmpty
            && TryCombine(local.Ticks + fraction - offset, out instant);
    }

    private static bool TryTakeDateTime(ref ReadOnlySpan<char> rest, out DateTime local)
    {
        const string Format = "yyyy-MM-ddTHH:mm:ss";
        local = default;
        if (rest.Length < Format.Length
            || !DateTime.TryParseExact(rest[..Format.Length], Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out local))
        {
            return false;
        }

        rest = rest[Format.Length..];
        return true;
    }

    private static bool TryTakeFraction(ref ReadOnlySpan<char> rest, out long ticks)
    {
        const int TickDigits = 7;
        const int MaxDigits = 9;
        ticks = 0;
        if (rest.IsEmpty || rest[0] != '.')
        {
            return true;
        }

        rest = rest[1..];
        int digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits is < 1 or > MaxDigits)
        {
            return false;
        }

        for (int i = 0; i < TickDigits; i++)
        {
            ticks = (ticks * 10) + (i < digits ? rest[i] - '0' : 0);
        }

        rest = rest[digits..];
        return true;
    }

    private static bool TryTakeOffset(ref ReadOnlySpan<char> rest, out long ticks)
    {
        const string Format = "hh\\:mm";
        const int Length = 5;
        ticks = 0;
        if (rest is ['Z' or 'z', ..])
        {
            rest = rest[1..];
            return true;
        }

        if (rest is not ['+' or '-', ..] || rest.Length < 1 + Length
            || !TimeSpan.TryParseExact(rest.Slice(1, Length), Format, CultureInfo.InvariantCulture, out TimeSpan offset))
        {
            return false;
        }

        ticks = rest[0] == '-' ? -offset.Ticks : offset.Ticks;
        rest = rest[(1 + Length)..];
        return true;
    }

    private static bool TryCombine(long ticks, out DateTimeOffset instant)
    {
        bool inRange = ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks;
        instant = inRange ? new DateTimeOffset(ticks, TimeSpan.Zero) : default;
        return inRange;
    }
}
