using System.Globalization;
using KmsSidecar.Tests.Auth;

namespace KmsSidecar.Tests.Support;

/// <summary>The headers that sign a request in us-east-1, now.</summary>
internal static class Signature
{
    /// <param name="payload">What takes the place of the body's hash; null for that hash.</param>
    /// <param name="others">Further headers to sign, whose names sort behind those of the signature.</param>
    /// <param name="target">Path and query; the query in canonical form already.</param>
    public static IEnumerable<(string Name, string Value)> Headers(
        string method, string host, string target, byte[] body, string accessKey, string secret, string? sessionToken = null,
        string? payload = null,
        string service = "s3",
        params ReadOnlySpan<(string Name, string Value)> others)
    {
        string dateTime = DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string hash = payload ?? SpecSigner.Sha256(body);
        (string Name, string Value)[] signed =
        [
            ("Host", host), ("x-amz-content-sha256", hash), ("x-amz-date", dateTime),
            .. sessionToken is null ? Array.Empty<(string, string)>() : [("x-amz-security-token", sessionToken)],
            .. others,
        ];
        string names = string.Join(';', signed.Select(static header => header.Name.ToLowerInvariant()));
        string[] parts = target.Split('?', 2);
        string canonical = SpecSigner.CanonicalRequest(
            method, parts[0], parts.Length > 1 ? parts[1] : "", signed, names.Split(';'), hash);
        string signature = SpecSigner.Signature(secret, dateTime, dateTime[..8], "us-east-1", service, canonical);
        return
        [
            .. signed,
            ("Authorization",
                $"AWS4-HMAC-SHA256 Credential={accessKey}/{dateTime[..8]}/us-east-1/{service}/aws4_request, SignedHeaders={names}, Signature={signature}"),
        ];
    }
}
