using System.Security.Cryptography;
using System.Text;

namespace KmsSidecar.Tests.Auth;

/// <summary>Signature Version 4 written from the AWS documentation ("Create a signed AWS API request"), sharing no code with the
/// verifier.</summary>
internal static class SpecSigner
{
    public static string Hex(byte[] bytes) => string.Concat(bytes.Select(static b => b.ToString("x2")));

    public static string Sha256(byte[] data) => Hex(SHA256.HashData(data));

    public static string UriEncode(string text)
    {
        StringBuilder result = new();
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            bool unreserved = (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || "-._~".Contains((char)b);
            result.Append(unreserved ? ((char)b).ToString() : "%" + b.ToString("X2"));
        }

        return result.ToString();
    }

    public static string CanonicalRequest(
        string method,
        string uri,
        string query,
        IEnumerable<(string Name, string Value)> headers,
        IEnumerable<string> signedNames,
        string payload)
    {
        StringBuilder text = new();
        text.Append(method).Append('\n').Append(uri).Append('\n').Append(query).Append('\n');
        foreach (string name in signedNames)
        {
            IEnumerable<string> values = headers
                .Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                .Select(static header => CollapseSpaces(header.Value.Trim()));
            text.Append(name).Append(':').Append(string.Join(",", values)).Append('\n');
        }

        text.Append('\n').Append(string.Join(";", signedNames)).Append('\n').Append(payload);
        return text.ToString();
    }

    public static string Signature(string secret, string dateTime, string date, string region, string service, string canonicalRequest)
    {
        string hash = Sha256(Encoding.UTF8.GetBytes(canonicalRequest));
        string stringToSign = $"AWS4-HMAC-SHA256\n{dateTime}\n{date}/{region}/{service}/aws4_request\n{hash}";
        byte[] key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (string step in new[] { date, region, service, "aws4_request", stringToSign })
        {
            using HMACSHA256 mac = new(key);
            key = mac.ComputeHash(Encoding.UTF8.GetBytes(step));
        }

        return Hex(key);
    }

    private static string CollapseSpaces(string text)
    {
        while (text.Contains("  "))
        {
            text = text.Replace("  ", " ");
        }

        return text;
    }
}
