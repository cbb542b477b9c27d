using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Auth;

/// <summary>Path and query of a request target, exactly as sent: not decoded, not normalised, without the <c>?</c> between them.</summary>
/// <remarks>RFC 9112, section 3.2. Only the origin form and the absolute form (which a client behind <c>http_proxy</c> sends) name a
/// resource here.</remarks>
internal sealed record RequestTarget(string Path, string Query)
{
    /// <summary>The longest target in characters: Kestrel's default for a whole request line.</summary>
    public const int MaxChars = 8 * 1024;

    public static bool TryParse(
        string raw, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out AuthFailure? failure)
    {
        target = null;
        failure = null;
        if (raw.Length > MaxChars)
        {
            failure = AuthFailure.InvalidTarget("it is longer than 8192 characters");
        }
        else if (raw.AsSpan().ContainsAnyExceptInRange('!', '~') || raw.Contains('#', StringComparison.Ordinal))
        {
            // A line break would forge further lines of the canonical request; the others have no place in a target either.
            failure = AuthFailure.InvalidTarget("it holds a character that has to be percent-encoded");
        }
        else if (!TrySkipAuthority(raw, out ReadOnlySpan<char> rest))
        {
            failure = AuthFailure.InvalidTarget("it is neither a path nor an absolute http URI");
        }
        else
        {
            int question = rest.IndexOf('?');
            ReadOnlySpan<char> path = question < 0 ? rest : rest[..question];
            target = new RequestTarget(path.IsEmpty ? "/" : path.ToString(), question < 0 ? "" : rest[(question + 1)..].ToString());
        }

        return target is not null;
    }

    private static bool TrySkipAuthority(ReadOnlySpan<char> raw, out ReadOnlySpan<char> rest)
    {
        rest = raw;
        if (raw.StartsWith('/'))
        {
            return true;
        }

        int scheme = raw.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? "http://".Length
            : raw.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? "https://".Length
            : 0;
        int authority = raw[scheme..].IndexOfAny('/', '?');
        rest = authority < 0 ? [] : raw[(scheme + authority)..];
        return scheme != 0 && authority != 0 && raw.Length != scheme;
    }
}
