using System.Security.Cryptography;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>What Signature Version 4 signs.</summary>
/// <remarks>
/// Source: AWS Identity and Access Management user guide, "Create a signed AWS API request", steps 1 to 3.
/// <code>
/// canonical request                          string to sign
///   METHOD \n                                  AWS4-HMAC-SHA256 \n
///   path \n                                    x-amz-date \n
///   query \n                                   date/region/service/aws4_request \n
///   name:value\n … name:value\n \n             hex(SHA-256(canonical request))
///   name;…;name \n
///   payload line
/// </code>
/// No part may hold a line break of its own: <see cref="RequestTarget"/>, <see cref="RequestHeaders"/> and <see cref="HttpToken"/>
/// refuse them.
/// </remarks>
internal static class CanonicalRequest
{
    public static byte[] Build(string method, RequestTarget target, SignedHeaders headers, string payloadLine) =>
        Encoding.UTF8.GetBytes($"{method}\n{target.Path}\n{target.Query}\n{headers.Lines}\n{headers.Names}\n{payloadLine}");

    public static byte[] BuildStringToSign(string date, CredentialScope scope, ReadOnlySpan<byte> canonicalRequest)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(canonicalRequest, hash);
        return Encoding.UTF8.GetBytes($"{AuthorizationHeader.Algorithm}\n{date}\n{scope}\n{Convert.ToHexStringLower(hash)}");
    }
}
