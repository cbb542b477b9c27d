using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>The spellings of one request target that a signature may have been made over.</summary>
/// <remarks>
/// Two are accepted, because clients differ in what they sign:
/// (a) the S3 rule: each path segment, query name and query value decoded once and encoded once, parameters sorted;
/// (b) the target exactly as sent, which curl before 8.3 signs unsorted and without encoding anything.
/// <para>
/// Why both together let no signature pass from one resource to another. Call D(t) what a target decodes to: its list of path segments and
/// its multiset of query name/value pairs. A signature covers one spelling s. By (b) it is accepted for the target t = s only. By (a) it is
/// accepted for those t whose encoding is s; encoding changes no segment and no pair, so D(t) = D(s). Either way D(t) = D(s), and s alone
/// says what the signature is good for. That holds because a decoded slash stays <c>%2F</c> within its segment (encoding it as <c>/</c>
/// would merge <c>a%2Fb</c> with <c>a/b</c>), because a name without <c>=</c> equals an empty value, and because <c>+</c> means plus. What
/// D does not tell apart, routing must not either: <see cref="RequestTargetRules"/> refuses whatever could be read in a second way
/// (repeated names, raw plus, dot segments).
/// </para>
/// <para>
/// The double encoding of the other AWS services is not accepted: over <c>a%20b</c> it yields the (a) form of <c>a%2520b</c>, another key's
/// name. A signature made that way could still be replayed as <c>a%2520b</c>, which no verifier can notice; the same rules refuse that
/// spelling.
/// </para>
/// </remarks>
internal static class CanonicalTarget
{
    /// <summary>Form (a); false when an escape is malformed.</summary>
    public static bool TryEncode(RequestTarget target, [NotNullWhen(true)] out RequestTarget? encoded)
    {
        encoded = TryEncodePath(target.Path, out string? path) && TryEncodeQuery(target.Query, out string? query)
            ? new RequestTarget(path, query)
            : null;
        return encoded is not null;
    }

    private static bool TryEncodePath(string path, [NotNullWhen(true)] out string? encoded)
    {
        StringBuilder result = new(path.Length);
        foreach (Range segment in path.AsSpan(1).Split('/'))
        {
            result.Append('/');
            if (!PercentEncoding.TryNormalize(path.AsSpan(1)[segment], result))
            {
                encoded = null;
                return false;
            }
        }

        encoded = result.ToString();
        return true;
    }

    private static bool TryEncodeQuery(string query, [NotNullWhen(true)] out string? encoded)
    {
        encoded = null;
        List<(string Name, string Value)> parameters = [];
        foreach (Range range in query.AsSpan().Split('&'))
        {
            ReadOnlySpan<char> parameter = query.AsSpan(range);
            if (parameter.IsEmpty)
            {
                continue;
            }

            int equals = parameter.IndexOf('=');
            StringBuilder name = new();
            StringBuilder value = new();
            if (!PercentEncoding.TryNormalize(equals < 0 ? parameter : parameter[..equals], name)
                || !PercentEncoding.TryNormalize(equals < 0 ? [] : parameter[(equals + 1)..], value))
            {
                return false;
            }

            parameters.Add((name.ToString(), value.ToString()));
        }

        // By name, then by value, in encoded form; joined first, "a-b=" would sort before "a=" because '-' is less than '='.
        parameters.Sort(static (x, y) =>
            string.CompareOrdinal(x.Name, y.Name) is int order and not 0 ? order : string.CompareOrdinal(x.Value, y.Value));
        encoded = string.Join('&', parameters.Select(static parameter => $"{parameter.Name}={parameter.Value}"));
        return true;
    }
}
