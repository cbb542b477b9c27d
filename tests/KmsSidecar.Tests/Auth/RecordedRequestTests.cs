using System.Text.Json;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>76 requests as awscurl, curl and the AWS CLI sent them (Vectors/signed-requests), each judged at its own time.</summary>
public sealed class RecordedRequestTests
{
    private static readonly JsonElement[] Recordings = Load();

    public static TheoryData<int, string> All
    {
        get
        {
            TheoryData<int, string> rows = [];
            for (int i = 0; i < Recordings.Length; i++)
            {
                rows.Add(i, $"{Text(i, "client")} {Text(i, "version")} {Text(i, "name")}");
            }

            return rows;
        }
    }

    [Fact]
    public void Recordings_AreOfThreeKinds()
    {
        Assert.Equal(
            [("not valid", 4), ("valid only", 3), ("valid under", 69)],
            Recordings.Select((_, i) => string.Join(' ', Text(i, "signature").Split(' ', ':').Take(2)))
                .CountBy(static kind => kind).Select(static pair => (pair.Key, pair.Value)).Order());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void RecordedRequest_IsJudgedByItsSignature(int index, string name)
    {
        Assert.NotEmpty(name);
        (RequestHead head, byte[] body) = Read(index);

        Verdict verdict = Verifier(index, head).Judge(head, body);

        if (Text(index, "signature").StartsWith("not valid", StringComparison.Ordinal))
        {
            Harness.AssertRefused(verdict, "SignatureDoesNotMatch", 403);
        }
        else
        {
            Harness.AssertAccepted(verdict);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void RecordedRequestWithAnotherBody_IsRefused(int index, string name)
    {
        Assert.NotEmpty(name);
        (RequestHead head, byte[] body) = Read(index);
        bool isUnsigned = head.Headers.Any(static field => field.Value == "UNSIGNED-PAYLOAD");

        Verdict verdict = Verifier(index, head).Judge(head, [.. body, (byte)' ']);

        Assert.Equal(isUnsigned, verdict.Failure is null);
    }

    private static SigV4Verifier Verifier(int index, RequestHead head) => Harness.Verifier(
        new SigV4Options { Regions = ["us-east-1", "eu-west-1"], Services = ["s3", "kms", "sts", "execute-api"] },
        new FixedCredentials((Text(index, "access_key"), Text(index, "secret_key"))),
        Harness.ClockAt(head.Value("x-amz-date")));

    private static (RequestHead Head, byte[] Body) Read(int index)
    {
        string[] line = Text(index, "request_line").Split(' ');
        IEnumerable<(string, string)> headers = Recordings[index].GetProperty("headers").EnumerateArray()
            .Select(static header => (header[0].GetString()!, header[1].GetString()!));
        return (Harness.Head(line[0], line[1], headers), Recordings[index].GetProperty("body_base64").GetBytesFromBase64());
    }

    private static string Text(int index, string property) => Recordings[index].GetProperty(property).GetString()!;

    private static JsonElement[] Load()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Vectors", "signed-requests", "signed-requests.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return [.. document.RootElement.EnumerateArray().Select(static item => item.Clone())];
    }
}
