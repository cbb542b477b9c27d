using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Auth;

/// <summary>Header values in the form in which they are signed, by lower-case name.</summary>
/// <remarks>Repeated lines are joined with a comma in order of arrival; each value is trimmed and its runs of blanks become one
/// space.</remarks>
internal sealed class RequestHeaders
{
    /// <summary>Kestrel's default for the number of header lines.</summary>
    public const int MaxLines = 100;

    /// <summary>Kestrel's default for all header lines together, here in characters.</summary>
    public const int MaxTotalChars = 32 * 1024;

    private const int MaxNameChars = 128;

    // A proxy and this service could each take another one of two such lines, and so judge two different requests.
    private static readonly string[] Singletons =
        ["authorization", "host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "content-length"];

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private RequestHeaders()
    {
    }

    public IEnumerable<string> Names => _values.Keys;

    /// <summary>The value under a lower-case name, or null when there is none.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    public static bool TryRead(
        IReadOnlyList<HeaderField> lines, [NotNullWhen(true)] out RequestHeaders? headers, [NotNullWhen(false)] out AuthFailure? failure)
    {
        headers = null;
        failure = lines.Count > MaxLines ? AuthFailure.TooManyHeaders("more than 100 lines") : null;
        RequestHeaders read = new();
        int totalChars = 0;
        for (int i = 0; failure is null && i < lines.Count; i++)
        {
            totalChars += lines[i].Name.Length + lines[i].Value.Length;
            failure = totalChars > MaxTotalChars ? AuthFailure.TooManyHeaders("more than 32768 characters") : read.Add(lines[i]);
        }

        headers = failure is null ? read : null;
        return headers is not null;
    }

    private AuthFailure? Add(HeaderField line)
    {
        if (!HttpToken.IsValid(line.Name, MaxNameChars))
        {
            return AuthFailure.InvalidHeader("(name)");
        }

        string name = line.Name.ToLowerInvariant();
        if (line.Value.Any(static character => char.IsControl(character) && character != '\t'))
        {
            // A line break would forge further lines of the canonical request.
            return AuthFailure.InvalidHeader(name);
        }

        string value = string.Join(' ', line.Value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
        if (_values.TryAdd(name, value))
        {
            return null;
        }

        if (Singletons.Contains(name))
        {
            return AuthFailure.DuplicateHeader(name);
        }

        _values[name] += "," + value;
        return null;
    }
}
