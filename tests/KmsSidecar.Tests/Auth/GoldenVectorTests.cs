using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>Requests whose canonical form and signature were computed by awscurl's own functions and by hand: access key and secret
/// rustfsadmin.</summary>
public sealed class GoldenVectorTests
{
    private const string Full = "content-type;host;x-amz-content-sha256;x-amz-date";
    private const string Minimal = "host;x-amz-date";

    public static TheoryData<string, string, string, string> Vectors => new()
    {
        {
            "G1",
            Full,
            "79fea893d29e8dd964d5096bf8337a8798dd4e4f6420bb991d9e3ff76c96f9ee",
            "24c920529fc63cb16155a6b4b493bfade6f96d2c7b40f308d7e3bcc33581c916"
        },
        {
            "G2",
            Minimal,
            "0d44e4182875cf5f063da41a725e0e25de2eff5b7d9cb3e651a1cbc11bdfc4df",
            "c5d8a377eb9243ea26c4817293faf7f97f04ffd6d2bdbddf44ba285d33eef74b"
        },
        {
            "G3",
            Full + ";x-amz-security-token",
            "a1ec17b09eab1cf10694f03294c2b33797592b28b82677794b21c808768e3fac",
            "39ad98442db9d7fc1207c404d379666e744e4eeb01426e9fe14278fba81af5c2"
        },
        {
            "G4",
            Full,
            "c81b290c5ff655af71d94baa0d2bf057bc8f57a49f57c8b3560fc924abdf3b11",
            "28c7355e5f137d81349768607b8b99bd79a89a9032259ed4047691be89c64d5e"
        },
        {
            "G5",
            Full,
            "fd2e24ef051c82366f30ac43b1826d0fc38c5ae1d2dd56e360b78c0efebfa29d",
            "f0661e287dc5b4efc92ffc329d92545d3484e58fcced2aa88fd9219c650e93b5"
        },
        {
            "G6",
            Full,
            "dc87d533a3ca9189db2f9834f7424c3aa20d169833c294b70280a76908eaf9f6",
            "f496ac15ef5ced407dea9cd4eb6690af3f65dc9c781148623c28cf8b8139749b"
        },
        {
            "G7",
            "content-type;host;x-amz-date;x-amz-target",
            "2bc8666906587f6055f2a060c2c4e370a1bf519aa0cdf75cba80032d3163bd6d",
            "2712305bf261fe760416332e6f99be2144f73f61a1ca688f94c6c1c1a496c999"
        },
        {
            "G8",
            "host;x-amz-content-sha256;x-amz-date",
            "86cf708e5d83105dea791479268c043d489d408403cc17d87a42c6391610a7d6",
            "c6194f1163defb5c584319771a73fe49d5ecb660fde0a9f53923e51a2cb633df"
        },
    };

    /// <summary>The request of a vector; what the client signs comes from the vector, not from here.</summary>
    internal static ClientRequest Request(string id) => id switch
    {
        "G1" => new ClientRequest(),
        "G2" => new ClientRequest { SendsHash = false },
        "G3" => new ClientRequest
        {
            Method = "POST",
            Target = ClientRequest.Admin + "/start",
            ExtraSigned = { ("x-amz-security-token", "TOKEN") },
        },
        "G4" => new ClientRequest
        {
            Method = "POST",
            Target = ClientRequest.Admin + "/configure",
            BodyText = """{"backend_type":"local","key_dir":"/data/kms"}""",
        },
        "G5" => new ClientRequest { Target = ClientRequest.Admin + "/keys?marker=b&limit=3" },
        "G6" => new ClientRequest { Method = "POST", Target = ClientRequest.Admin + "/start", Payload = "UNSIGNED-PAYLOAD" },
        "G7" => new ClientRequest
        {
            Method = "POST",
            Target = "/",
            Service = "kms",
            ContentType = "application/x-amz-json-1.1",
            SendsHash = false,
            ExtraSigned = { ("x-amz-target", "TrentService.ListKeys") },
            BodyText = "{}",
        },
        "G8" => new ClientRequest { Method = "DELETE", Target = ClientRequest.Admin + "/keys/delete?keyId=k1", ContentType = null },
        _ => throw new ArgumentOutOfRangeException(nameof(id)),
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void GoldenVector_HasItsCanonicalRequest(string id, string signedNames, string canonicalHash, string signature)
    {
        Assert.NotEmpty(signature);
        ClientRequest client = Request(id);
        RequestHead head = client.Sign();

        Assert.True(RequestHeaders.TryRead(head.Headers, out RequestHeaders? headers, out _));
        Assert.True(SignedHeaders.TryRead(signedNames, headers, out SignedHeaders? signed, out _));
        Assert.True(CanonicalTarget.TryEncode(head.Target, out RequestTarget? target));
        byte[] canonical = CanonicalRequest.Build(head.Method, target, signed, client.Payload ?? PayloadLine.Of(client.Body));

        Assert.Equal(canonicalHash, SpecSigner.Sha256(canonical));
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    [Trait("Case", "1")]
    [Trait("Case", "3")]
    [Trait("Case", "4")]
    [Trait("Case", "7")]
    [Trait("Case", "9")]
    [Trait("Case", "10")]
    [Trait("Case", "11")]
    [Trait("Case", "21")]
    public void GoldenVector_IsAccepted(string id, string signedNames, string canonicalHash, string signature)
    {
        Assert.NotEmpty(canonicalHash);
        ClientRequest client = Request(id);
        client.SignedNames = signedNames;
        RequestHead head = client.Sign();
        string authorization = $"AWS4-HMAC-SHA256 Credential=rustfsadmin/20260102/us-east-1/{client.Service}/aws4_request, "
            + $"SignedHeaders={signedNames}, Signature={signature}";

        Verdict verdict = Harness.Verifier(credentials: new FixedCredentials(("rustfsadmin", "rustfsadmin")))
            .Judge(head.With("Authorization", authorization), client.Body);

        Harness.AssertAccepted(verdict);
        Assert.Equal(client.Service, verdict.Caller!.Service);
    }
}
