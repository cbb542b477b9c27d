using System.Text;
using KmsSidecar.Auth;

namespace KmsSidecar.Tests.Auth;

/// <summary>A request as a client makes it. By default what awscurl 0.38 and later send for <c>status</c>; each test changes what it is
/// about.</summary>
internal sealed class ClientRequest
{
    public const string Admin = "/rustfs/admin/v3/kms";

    public string Method { get; set; } = "GET";

    public string Target { get; set; } = Admin + "/status";

    /// <summary>What is signed as the path, where it is not the target's.</summary>
    public string? SignedPath { get; set; }

    /// <summary>What is signed as the query, where it is not the target's, sorted.</summary>
    public string? SignedQuery { get; set; }

    public string AccessKey { get; set; } = Harness.AccessKey;

    public string SecretKey { get; set; } = Harness.SecretKey;

    public string DateTime { get; set; } = Harness.DateTime;

    public string? ScopeDate { get; set; }

    public string Region { get; set; } = "us-east-1";

    public string Service { get; set; } = "s3";

    public string Host { get; set; } = "localhost:9000";

    public string? ContentType { get; set; } = "application/json";

    public byte[] Body { get; set; } = [];

    public bool SendsHash { get; set; } = true;

    /// <summary>The header's value and the payload line, where it is not the body's hash.</summary>
    public string? Payload { get; set; }

    public List<(string Name, string Value)> ExtraSigned { get; } = [];

    public List<(string Name, string Value)> ExtraUnsigned { get; } = [];

    /// <summary>The list in SignedHeaders, where it is not that of all headers that a client signs.</summary>
    public string? SignedNames { get; set; }

    public string Signature { get; private set; } = "";

    public string BodyText
    {
        set => Body = Encoding.UTF8.GetBytes(value);
    }

    public RequestHead Sign()
    {
        List<(string Name, string Value)> headers = [("Host", Host), ("x-amz-date", DateTime)];
        string payload = Payload ?? SpecSigner.Sha256(Body);
        if (SendsHash)
        {
            headers.Add(("x-amz-content-sha256", payload));
        }

        if (ContentType is not null)
        {
            headers.Add(("Content-Type", ContentType));
        }

        headers.AddRange(ExtraSigned);
        string[] names = SignedNames?.Split(';')
            ?? [.. headers.Select(static header => header.Name.ToLowerInvariant()).Distinct().Order(StringComparer.Ordinal)];
        headers.AddRange(ExtraUnsigned);

        string path = Target.Split('?')[0];
        string query = Target.Contains('?') ? Target[(Target.IndexOf('?') + 1)..] : "";
        string canonical = SpecSigner.CanonicalRequest(
            Method, SignedPath ?? path, SignedQuery ?? SortedQuery(query), headers, names, payload);
        string scopeDate = ScopeDate ?? DateTime.Split('T')[0];
        Signature = SpecSigner.Signature(SecretKey, DateTime, scopeDate, Region, Service, canonical);
        string authorization = $"AWS4-HMAC-SHA256 Credential={AccessKey}/{scopeDate}/{Region}/{Service}/aws4_request, "
            + $"SignedHeaders={string.Join(';', names)}, Signature={Signature}";
        headers.Add(("Authorization", authorization));
        return Harness.Head(Method, Target, headers);
    }

    private static string SortedQuery(string query) => string.Join('&', query
        .Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(static pair => pair.Contains('=') ? pair : pair + "=")
        .Order(StringComparer.Ordinal));
}
