using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KmsSidecar.Access.Policies;

/// <summary>How the values of conditions are read.</summary>
internal static class ConditionValues
{
    private static readonly string[] TimeFormats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    /// <summary>An address or a network in CIDR notation. IPv4 and IPv4 inside IPv6 (<c>::ffff:192.0.2.1</c>) are the same.</summary>
    public static Predicate<AccessRequest>? Addresses(string text, out string fault)
    {
        fault = "is not an address or a network such as 192.0.2.0/24 or 2001:db8::/32";
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (ParseAddress(slash < 0 ? text : text[..slash]) is not { } address)
        {
            return null;
        }

        int bits = address.GetAddressBytes().Length * 8;
        int length = bits;
        if (slash >= 0
            && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > bits))
        {
            return null;
        }

        if (address.IsIPv4MappedToIPv6 && length >= 96)
        {
            address = address.MapToIPv4();
            length -= 96;
        }

        if (HasBitsBehind(address.GetAddressBytes(), length))
        {
            fault = "has bits set behind its prefix length";
            return null;
        }

        IPNetwork network = new(address, length);
        return request => request.SourceAddress is { } source && network.Contains(source.IsIPv4MappedToIPv6 ? source.MapToIPv4() : source);
    }

    /// <summary>Date or time of ISO 8601; without an offset it is UTC.</summary>
    public static ConditionValueParser Times(Func<DateTimeOffset, DateTimeOffset, bool> compare) => (string text, out string fault) =>
    {
        fault = "is not a time such as 2026-01-31T12:00:00Z";
        return TryParseTime(text, out DateTimeOffset then) ? request => compare(request.Time, then) : null;
    };

    /// <param name="fits">Called with the value and the user's name.</param>
    public static ConditionValueParser Names(Func<string, string, bool> fits) => (string text, out string fault) =>
    {
        fault = "holds ${, but there are no policy variables here";
        return text.Contains("${", StringComparison.Ordinal) ? null : request => fits(text, request.UserName);
    };

    public static Predicate<AccessRequest>? Transports(string text, out string fault)
    {
        fault = "is not true or false";
        return text switch
        {
            "true" => static request => request.IsSecure,
            "false" => static request => !request.IsSecure,
            _ => null,
        };
    }

    /// <inheritdoc cref="Times"/>
    public static bool TryParseTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    /// <summary>Refuses what <see cref="IPAddress.Parse(string)"/> takes beside the usual notations: <c>010.0.0.1</c>, <c>1</c>, <c>[::1]</c>, scopes.</summary>
    public static IPAddress? ParseAddress(string text)
    {
        if (!IPAddress.TryParse(text, out IPAddress? address))
        {
            return null;
        }

        bool isUsual = address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() == text : text.AsSpan().IndexOfAny("[]%") < 0;
        return isUsual ? address : null;
    }

    private static bool HasBitsBehind(byte[] address, int length)
    {
        for (int bit = length; bit < address.Length * 8; bit++)
        {
            if ((address[bit / 8] & (0x80 >> (bit % 8))) != 0)
            {
                return true;
            }
        }

        return false;
    }
}
