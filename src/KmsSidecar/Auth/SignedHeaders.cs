using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>The headers that a signature covers, as they stand in the canonical request.</summary>
/// <param name="Names">Lower-case, ascending, separated by semicolons.</param>
/// <param name="Lines"><c>name:value\n</c> for each of them.</param>
internal sealed record SignedHeaders(string Names, string Lines)
{
    /// <summary>Signers sign around five headers, the Rust SDKs up to twenty.</summary>
    private const int MaxNames = 64;

    /// <param name="needsDate">The time is in a header; a presigned URL has it in the query.</param>
    public static bool TryRead(
        string names,
        RequestHeaders headers,
        [NotNullWhen(true)] out SignedHeaders? signed,
        [NotNullWhen(false)] out AuthFailure? failure,
        bool needsDate = true)
    {
        signed = null;
        string[] list = names.Split(';', MaxNames + 1);
        StringBuilder lines = new();
        failure = list.Length > MaxNames ? AuthFailure.Malformed("SignedHeaders names more than 64 headers.") : null;
        for (int i = 0; failure is null && i < list.Length; i++)
        {
            bool ascends = i == 0 || string.CompareOrdinal(list[i - 1], list[i]) < 0;
            if (!ascends || list[i].Length == 0 || list[i].Any(char.IsUpper))
            {
                failure = AuthFailure.Malformed("SignedHeaders is not a list of lower-case names, each once, in ascending order.");
            }
            else if (headers[list[i]] is not string value)
            {
                failure = AuthFailure.Malformed("SignedHeaders names a header that the request does not have.");
            }
            else
            {
                lines.Append(list[i]).Append(':').Append(value).Append('\n');
            }
        }

        failure ??= FindMissing(list, headers, needsDate);
        signed = failure is null ? new SignedHeaders(names, lines.ToString()) : null;
        return signed is not null;
    }

    private static AuthFailure? FindMissing(string[] signed, RequestHeaders headers, bool needsDate)
    {
        if (!signed.Contains("host") || (needsDate && !signed.Contains("x-amz-date")))
        {
            return AuthFailure.Malformed(needsDate ? "SignedHeaders has to name host and x-amz-date." : "SignedHeaders has to name host.");
        }

        // awscurl before 0.38 sends x-amz-content-sha256 without naming it; its value is signed all the same, as the canonical request's
        // last line.
        string? unsigned = headers.Names.FirstOrDefault(name =>
            name.StartsWith("x-amz-", StringComparison.Ordinal) && name != PayloadLine.HeaderName && !signed.Contains(name));
        return unsigned is null ? null : AuthFailure.HeaderNotSigned(unsigned);
    }
}
