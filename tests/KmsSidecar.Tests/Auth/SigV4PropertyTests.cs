using System.Text;
using CsCheck;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>Case 79: the verifier agrees with an independent signer on any request, and on no request that differs in one byte.</summary>
public sealed class SigV4PropertyTests
{
    private const long Requests = 1000;

    private static readonly Gen<string> Name = Gen.String[Gen.Char["abcXYZ019-._~ /?=&%+:@é€"], 1, 8];
    private static readonly Gen<string> HeaderValue = Gen.String[Gen.Char["abcXYZ019 ,;=\"/é"], 0, 12];

    private static readonly Gen<GeneratedRequest> Request = Gen.Select(
        Gen.OneOf("GET", "POST", "PUT", "DELETE"),
        Name.Array[0, 4],
        Gen.Select(Name, Gen.OneOf(Name, Gen.Const(""))).Array[0, 4],
        HeaderValue.Array[0, 3],
        Gen.Byte.Array[0, 40],
        Gen.Bool,
        Gen.Int,
        (method, segments, parameters, values, body, sendsHash, seed) =>
            new GeneratedRequest(method, segments, parameters, values, body, sendsHash, seed));

    [Fact]
    [Trait("Case", "79")]
    public void RequestOfAnotherSigner_IsAccepted() => Request.Sample(
        static generated => Harness.AssertAccepted(Harness.Verifier().Judge(generated.Sign(), generated.Body)), iter: Requests, threads: 1);

    [Fact]
    [Trait("Case", "79")]
    public void RequestWithOneByteChanged_IsRefused() => Gen.Select(Request, Gen.Int[0, int.MaxValue]).Sample(
        static (generated, place) =>
        {
            (RequestHead head, byte[] body) = Mutate(generated.Sign(), [.. generated.Body], place);
            Assert.NotNull(Harness.Verifier().Judge(head, body).Failure);
        },
        iter: Requests,
        threads: 1);

    [Fact]
    public void ArbitraryAuthorization_NeverThrowsAndIsRefused()
    {
        Gen<string> text = Gen.OneOf(
            Gen.String[0, 200],
            Gen.String[Gen.Char["AWS4-HMAC-SHA256 Credential=,SignedHeaders;/host\t\u0000é"], 0, 200]
                .Select(static tail => "AWS4-HMAC-SHA256 " + tail));

        text.Sample(
            static value =>
            {
                RequestHead head = new ClientRequest().Sign().With("Authorization", value);
                Assert.NotNull(Harness.Verifier().Judge(head).Failure);
            },
            iter: 20_000,
            threads: 1);
    }

    [Fact]
    public void ArbitraryHead_NeverThrowsAndIsRefused() => Gen.Select(Gen.String[0, 20], Gen.String[0, 60], Gen.Select(
            Gen.OneOf(Gen.String[0, 20], Gen.OneOf("Host", "Authorization", "x-amz-date", "x-amz-content-sha256")),
            Gen.String[0, 40]).Array[0, 12])
        .Sample(
            static (method, target, headers) =>
            {
                bool isTarget = RequestTarget.TryParse("/" + target, out RequestTarget? parsed, out _);
                RequestTarget used = isTarget ? parsed! : Harness.Target("/");
                RequestHead head = new(method, used, [.. headers.Select(static field => new HeaderField(field.Item1, field.Item2))]);
                Assert.NotNull(Harness.Verifier().Judge(head).Failure);
                _ = RequestTargetRules.TryRead(used, out _, out _);
            },
            iter: 20_000,
            threads: 1);

    /// <summary>Puts another letter or digit in one place of what is signed or of the signature itself.</summary>
    private static (RequestHead Head, byte[] Body) Mutate(RequestHead head, byte[] body, int place)
    {
        string raw = head.Target.Path + (head.Target.Query.Length == 0 ? "" : "?" + head.Target.Query);
        string signedNames = head.Value("Authorization").Split("SignedHeaders=")[1].Split(',')[0];
        int[] signed = [.. Enumerable.Range(0, head.Headers.Count).Where(i =>
            head.Headers[i].Name == "Authorization" || signedNames.Split(';').Contains(head.Headers[i].Name.ToLowerInvariant()))];
        int[] lengths = [head.Method.Length, raw.Length - 1, body.Length, .. signed.Select(i => head.Headers[i].Value.Length)];
        int at = place % lengths.Sum();
        int part = 0;
        while (at >= lengths[part])
        {
            at -= lengths[part++];
        }

        switch (part)
        {
            case 0:
                return (head with { Method = Replace(head.Method, at) }, body);
            case 1:
                // The first slash stays: without it this would not be a target.
                return (head with { Target = Harness.Target(Replace(raw, at + 1)) }, body);
            case 2:
                body[at] ^= 1;
                return (head, body);
            default:
                HeaderField[] headers = [.. head.Headers];
                int index = signed[part - 3];
                headers[index] = headers[index] with { Value = Replace(headers[index].Value, at) };
                return (head with { Headers = headers }, body);
        }
    }

    private static string Replace(string text, int at)
    {
        // Not merely another case, which would be the same byte to an escape.
        char other = char.ToLowerInvariant(text[at]) == 'a' ? 'b' : 'a';
        return text[..at] + other + text[(at + 1)..];
    }

    /// <summary>A request by its meaning; the seed says how it is spelled on the wire.</summary>
    private sealed record GeneratedRequest(
        string Method,
        string[] Segments,
        (string Name, string Value)[] Parameters,
        string[] HeaderValues,
        byte[] Body,
        bool SendsHash,
        int Seed)
    {
        public RequestHead Sign()
        {
            Random random = new(Seed);
            (string Name, string Value)[] shuffled = [.. Parameters];
            random.Shuffle(shuffled);
            string path = "/" + string.Join('/', Segments.Select(segment => Spell(segment, random)));
            string query = string.Join('&', shuffled.Select(parameter => SpellPair(parameter.Name, parameter.Value, random)));
            ClientRequest client = new()
            {
                Method = Method,
                Target = query.Length == 0 ? path : path + "?" + query,
                SignedPath = "/" + string.Join('/', Segments.Select(SpecSigner.UriEncode)),
                SignedQuery = string.Join('&', Parameters
                    .Select(static parameter => (Name: SpecSigner.UriEncode(parameter.Name), Value: SpecSigner.UriEncode(parameter.Value)))
                    .OrderBy(static parameter => parameter.Name, StringComparer.Ordinal)
                    .ThenBy(static parameter => parameter.Value, StringComparer.Ordinal)
                    .Select(static parameter => $"{parameter.Name}={parameter.Value}")),
                Body = Body,
                SendsHash = SendsHash,
            };
            for (int i = 0; i < HeaderValues.Length; i++)
            {
                client.ExtraSigned.Add((i == 0 ? "x-first" : "X-Repeated", HeaderValues[i]));
            }

            return client.Sign();
        }

        private static string SpellPair(string name, string value, Random random)
        {
            bool isBare = value.Length == 0 && random.Next(2) == 0;
            return isBare ? Spell(name, random) : Spell(name, random) + "=" + Spell(value, random);
        }

        /// <summary>Escapes what has to be escaped, some of the rest, and that in either case.</summary>
        private static string Spell(string text, Random random)
        {
            StringBuilder result = new();
            foreach (byte value in Encoding.UTF8.GetBytes(text))
            {
                bool isSafe = char.IsAsciiLetterOrDigit((char)value) || "-._~:@".Contains((char)value);
                result.Append(isSafe && random.Next(4) != 0 ? ((char)value).ToString()
                    : random.Next(2) == 0 ? $"%{value:X2}" : $"%{value:x2}");
            }

            return result.ToString();
        }
    }
}
