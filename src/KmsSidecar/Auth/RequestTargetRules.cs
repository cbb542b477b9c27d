using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace KmsSidecar.Auth;

/// <summary>What a request target may hold beyond being well-formed, so that it can be read in one way only.</summary>
/// <remarks>
/// Signature verification does not need these rules: it takes any spelling. They are what makes it safe to act on a verified target: see
/// <see cref="CanonicalTarget"/>. Whoever routes a request applies them first and then uses <see cref="RequestTarget.Path"/> and the
/// parameters read here, never a path or a query that something else has decoded.
/// </remarks>
internal static class RequestTargetRules
{
    /// <summary>The most parameters a query may have; no route takes more than a handful.</summary>
    public const int MaxParameters = 32;

    private static readonly SearchValues<char> PathAlphabet =
        SearchValues.Create("/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Checks the path and reads the query.</summary>
    /// <param name="target">The target as sent.</param>
    /// <param name="parameters">The decoded parameters by name (case-sensitive); one without <c>=</c> has an empty value.</param>
    /// <param name="failure">Names the rule that is broken.</param>
    public static bool TryRead(
        RequestTarget target,
        [NotNullWhen(true)] out IReadOnlyDictionary<string, string>? parameters,
        [NotNullWhen(false)] out AuthFailure? failure)
    {
        Dictionary<string, string> read = new(StringComparer.Ordinal);
        string? fault = FindPathFault(target.Path) ?? ReadQuery(target.Query, read);
        parameters = fault is null ? read : null;
        failure = fault is null ? null : AuthFailure.InvalidTarget(fault);
        return parameters is not null;
    }

    private static string? FindPathFault(string path)
    {
        if (path.Contains('%', StringComparison.Ordinal))
        {
            return "the path holds a percent escape; names here need none";
        }

        if (path.AsSpan().ContainsAnyExcept(PathAlphabet))
        {
            return "the path holds a character other than A-Z, a-z, 0-9, '.', '_', '~', '-' and '/'";
        }

        foreach (string segment in path.Split('/'))
        {
            if (segment is "." or "..")
            {
                return "the path holds a dot segment";
            }
        }

        return path.Contains("//", StringComparison.Ordinal) ? "the path holds an empty segment" : null;
    }

    private static string? ReadQuery(string query, Dictionary<string, string> parameters)
    {
        if (query.Length == 0)
        {
            return null;
        }

        string[] pairs = query.Split('&', MaxParameters + 1);
        if (pairs.Length > MaxParameters)
        {
            return "the query has more than 32 parameters";
        }

        foreach (string pair in pairs)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string? fault = Decode(equals < 0 ? pair : pair[..equals], out string name);
            fault ??= Decode(equals < 0 ? "" : pair[(equals + 1)..], out string value) ?? Add(name, value, parameters);
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }

    private static string? Add(string name, string value, Dictionary<string, string> parameters)
    {
        if (name.Length == 0)
        {
            return "the query holds a parameter without a name";
        }

        return parameters.TryAdd(name, value) ? null : "the query holds a parameter twice";
    }

    private static string? Decode(string text, out string decoded)
    {
        decoded = "";
        byte[] bytes = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            byte value = (byte)text[i];
            if (value == '+')
            {
                return "the query holds a plus sign, which clients sign in three ways; write %2B or %20";
            }

            if (value == '%')
            {
                if (!PercentEncoding.TryReadEscape(text.AsSpan(i), out value))
                {
                    return "the query holds a percent sign that is not followed by two hexadecimal digits";
                }

                if (value == '%')
                {
                    return "the query is percent-encoded twice";
                }

                i += 2;
            }

            bytes[length++] = value;
        }

        if (!Utf8.IsValid(bytes.AsSpan(0, length)))
        {
            return "the query is not UTF-8";
        }

        decoded = Encoding.UTF8.GetString(bytes, 0, length);
        return decoded.Any(char.IsControl) ? "the query holds a control character" : null;
    }
}
