using System.Buffers;
using System.Security.Cryptography;

namespace KmsSidecar.Auth;

/// <summary>The last line of a canonical request, which stands for the body.</summary>
internal static class PayloadLine
{
    public const string HeaderName = "x-amz-content-sha256";

    public const string Unsigned = "UNSIGNED-PAYLOAD";

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary>The line that signs <paramref name="body"/>.</summary>
    public static string Of(ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Judges the value of <c>x-amz-content-sha256</c>; null when it can be the line as it stands.</summary>
    public static AuthFailure? Check(string value, string service, bool allowUnsigned)
    {
        if (value == Unsigned)
        {
            // Only S3 knows this value. Without TLS it leaves the body open to change on the way.
            return allowUnsigned && service == "s3" ? null : AuthFailure.UnsignedPayloadNotAccepted;
        }

        if (value.StartsWith("STREAMING-", StringComparison.Ordinal))
        {
            return AuthFailure.StreamingNotImplemented;
        }

        bool isHash = value.Length == SHA256.HashSizeInBytes * 2 && !value.AsSpan().ContainsAnyExcept(LowerHex);
        return isHash ? null : AuthFailure.InvalidHeader(HeaderName);
    }
}
