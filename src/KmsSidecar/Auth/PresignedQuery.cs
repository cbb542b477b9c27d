using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>A signature in the query (a presigned URL): who holds the URL may make its one request until it expires.</summary>
/// <remarks>Source: Amazon S3 API reference, "Authenticating requests: using query parameters". The payload line is
/// <c>UNSIGNED-PAYLOAD</c>, so no request with a body is accepted this way.</remarks>
/// <param name="Authorization">The same fields as in the header.</param>
/// <param name="Date">When it was signed, as in the string to sign.</param>
/// <param name="SessionToken">Null for a permanent access key.</param>
/// <param name="Unsigned">The query without the signature, which is what was signed.</param>
internal sealed record PresignedQuery(
    AuthorizationHeader Authorization, string Date, TimeSpan Lifetime, string? SessionToken, string Unsigned)
{
    public const string SignatureName = "X-Amz-Signature";

    private const string Prefix = "X-Amz-";

    /// <summary>Seven days, the longest that S3 takes.</summary>
    private const int MaxSeconds = 604_800;

    public static bool TryRead(
        RequestHead head, [NotNullWhen(true)] out PresignedQuery? presigned, [NotNullWhen(false)] out AuthFailure? failure)
    {
        presigned = null;
        if (head.Method is not ("GET" or "HEAD"))
        {
            failure = AuthFailure.PresignedChange;
            return false;
        }

        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        List<string> signed = [];
        foreach (string pair in head.Target.Query.Split('&'))
        {
            string[] parts = pair.Split('=', 2);
            if (parts[0] != SignatureName)
            {
                signed.Add(pair);
            }

            if (!parts[0].StartsWith(Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            if (!TryDecode(parts.Length == 2 ? parts[1] : "", out string? value) || !fields.TryAdd(parts[0], value))
            {
                failure = AuthFailure.InvalidPresigned($"{parts[0]} is given twice, or not percent-encoded ASCII.");
                return false;
            }
        }

        if (FindFault(fields) is string fault)
        {
            failure = AuthFailure.InvalidPresigned(fault);
            return false;
        }

        if (!CredentialScope.TryParseCredential(fields["X-Amz-Credential"], out string? accessKey, out CredentialScope scope, out failure))
        {
            return false;
        }

        presigned = new PresignedQuery(
            new AuthorizationHeader(accessKey, scope, fields["X-Amz-SignedHeaders"], fields[SignatureName]),
            fields["X-Amz-Date"],
            TimeSpan.FromSeconds(int.Parse(fields["X-Amz-Expires"], CultureInfo.InvariantCulture)),
            fields.GetValueOrDefault("X-Amz-Security-Token"),
            string.Join('&', signed));
        return true;
    }

    private static string? FindFault(Dictionary<string, string> fields)
    {
        foreach (string name in (string[])
            ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", SignatureName])
        {
            if (!fields.ContainsKey(name))
            {
                return $"{name} is missing.";
            }
        }

        if (fields["X-Amz-Algorithm"] != AuthorizationHeader.Algorithm)
        {
            return $"X-Amz-Algorithm must be {AuthorizationHeader.Algorithm}.";
        }

        // RustFS pads the number to ten digits.
        string expires = fields["X-Amz-Expires"];
        bool isLifetime = expires.Length <= 10
            && int.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            && seconds is >= 1 and <= MaxSeconds;
        return isLifetime ? null : $"X-Amz-Expires must be a number of seconds from 1 to {MaxSeconds}.";
    }

    private static bool TryDecode(string text, [NotNullWhen(true)] out string? decoded)
    {
        StringBuilder result = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char character = text[i];
            if (character == '%')
            {
                if (!PercentEncoding.TryReadEscape(text.AsSpan(i), out byte value))
                {
                    decoded = null;
                    return false;
                }

                character = (char)value;
                i += 2;
            }

            result.Append(character);
        }

        decoded = result.ToString();
        return !decoded.AsSpan().ContainsAnyExceptInRange('!', '~');
    }

    /// <summary>Leaves out the signature, with which anyone can make the request.</summary>
    public override string ToString() => $"{Authorization} at {Date}";
}
