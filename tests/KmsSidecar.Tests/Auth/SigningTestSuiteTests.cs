using System.Text;
using System.Text.Json;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>The 40 header-signed cases of the AWS signing test suite (Vectors/sigv4).</summary>
public sealed class SigningTestSuiteTests
{
    /// <summary>These sign a path without dot segments and doubled slashes, which the S3 rule keeps.</summary>
    private static readonly string[] Normalized =
    [
        "get-relative-normalized", "get-relative-relative-normalized", "get-slash-dot-slash-normalized", "get-slash-normalized",
        "get-slash-pointless-dot-normalized", "get-slashes-normalized",
    ];

    /// <summary>These encode the path twice, as services other than S3 do.</summary>
    private static readonly string[] DoublyEncoded = ["double-url-encode", "double-encode-path"];

    private static readonly Dictionary<string, JsonElement> Cases = Load();

    public static TheoryData<string> AcceptedCases =>
        [.. Cases.Keys.Except(Normalized).Except(DoublyEncoded).Except(["post-sts-header-after"])];

    public static TheoryData<string> RefusedPaths => [.. Normalized, .. DoublyEncoded];

    [Fact]
    public void Suite_Has40Cases() => Assert.Equal(40, Cases.Count);

    [Theory]
    [MemberData(nameof(AcceptedCases))]
    public void Case_HasItsCanonicalRequestAndStringToSign(string name)
    {
        (RequestHead head, byte[] body) = Parse(name);
        Assert.True(RequestHeaders.TryRead(head.Headers, out RequestHeaders? headers, out _));
        Assert.True(AuthorizationHeader.TryParse(headers["authorization"]!, out AuthorizationHeader? authorization, out _));
        Assert.True(SignedHeaders.TryRead(authorization.SignedHeaders, headers, out SignedHeaders? signed, out _));
        Assert.True(CanonicalTarget.TryEncode(head.Target, out RequestTarget? target));

        byte[] canonical = CanonicalRequest.Build(head.Method, target, signed, PayloadLine.Of(body));
        byte[] stringToSign = CanonicalRequest.BuildStringToSign(headers["x-amz-date"]!, authorization.Scope, canonical);

        Assert.Equal(Text(name, "header-canonical-request.txt"), Encoding.UTF8.GetString(canonical));
        Assert.Equal(Text(name, "header-string-to-sign.txt"), Encoding.UTF8.GetString(stringToSign));
    }

    [Theory]
    [MemberData(nameof(AcceptedCases))]
    public void Case_IsAcceptedWithItsSignature(string name)
    {
        (RequestHead head, byte[] body) = Parse(name);

        Assert.Contains(Text(name, "header-signature.txt"), head.Value("Authorization"));
        Harness.AssertAccepted(Verifier(head).Judge(head, body));
    }

    [Theory]
    [MemberData(nameof(RefusedPaths))]
    public void PathThatIsNormalizedOrEncodedTwice_IsRefused(string name)
    {
        (RequestHead head, byte[] body) = Parse(name);
        Assert.True(CanonicalTarget.TryEncode(head.Target, out RequestTarget? target));

        Assert.NotEqual(Text(name, "header-canonical-request.txt").Split('\n')[1], target.Path);
        Harness.AssertRefused(Verifier(head).Judge(head, body), "SignatureDoesNotMatch", 403);
        Assert.False(RequestTargetRules.TryRead(head.Target, out _, out _));
    }

    /// <summary>The signature is right, but leaves a token open to exchange.</summary>
    [Fact]
    public void TokenAddedAfterSigning_IsRefused()
    {
        (RequestHead head, byte[] body) = Parse("post-sts-header-after");

        Verdict verdict = Verifier(head).Judge(head, body);

        Harness.AssertRefused(verdict, "AccessDenied", 403);
        Assert.EndsWith("x-amz-security-token", verdict.Failure!.Message, StringComparison.Ordinal);
        Harness.AssertAccepted(Verifier(head).Judge(head.With("x-amz-security-token", null), body));
    }

    private static SigV4Verifier Verifier(RequestHead head) => Harness.Verifier(
        new SigV4Options { Regions = ["us-east-1", "us-east-2"], Services = ["service", "lambda"] },
        new FixedCredentials(("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), ("ANOTREAL", "unknown")),
        Harness.ClockAt(head.Value("x-amz-date")));

    private static (RequestHead Head, byte[] Body) Parse(string name)
    {
        string text = Text(name, "header-signed-request.txt");
        int end = text.IndexOf("\n\n", StringComparison.Ordinal);
        string[] lines = (end < 0 ? text : text[..end]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        List<(string Name, string Value)> headers = [];
        foreach (string line in lines.Skip(1))
        {
            if (line.StartsWith(' '))
            {
                // RFC 9112, section 5.2: a folded line continues the one before; HTTP servers refuse it, so it is joined here.
                headers[^1] = (headers[^1].Name, headers[^1].Value + " " + line.Trim());
            }
            else
            {
                headers.Add((line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..]));
            }
        }

        int method = lines[0].IndexOf(' ');
        string target = lines[0][(method + 1)..].Replace(" HTTP/1.1", "", StringComparison.Ordinal);

        // The suite writes spaces and UTF-8 into the request line, which no HTTP client does.
        string escaped = string.Concat(target.EnumerateRunes().Select(static rune =>
            rune.Value is > ' ' and <= '~' ? rune.ToString() : Uri.EscapeDataString(rune.ToString())));
        return (Harness.Head(lines[0][..method], escaped, headers), Encoding.UTF8.GetBytes(end < 0 ? "" : text[(end + 2)..]));
    }

    private static string Text(string name, string file) => Cases[name].GetProperty(file).GetString()!.TrimEnd('\n');

    private static Dictionary<string, JsonElement> Load()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Vectors", "sigv4", "aws-signing-test-suite-v4.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.GetProperty("cases").EnumerateArray()
            .ToDictionary(static item => item.GetProperty("case").GetString()!, static item => item.Clone());
    }
}
