using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Access;

/// <summary>Properties over any policy and any bytes. An exception fails the sample.</summary>
public sealed class PolicyPropertyTests
{
    private const int Iterations = 2_000;

    private static readonly byte[] Seed = Encoding.UTF8.GetBytes(
        """
        {"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"s","Effect":"Allow","Action":["kms:Decrypt","kms:*"],"Resource":["arn:aws:kms:::key/a*"],
        "Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]},"DateLessThan":{"aws:CurrentTime":"2026-01-31T12:00:00Z"},
        "StringLike":{"aws:username":"al*"},"Bool":{"aws:SecureTransport":false}}},{"Effect":"Deny","NotAction":"kms:Decrypt","NotResource":"arn:aws:kms:::key/b"}]}
        """);

    private static readonly string[] Fragments =
        ["{", "}", "[", "]", "\"", ":", ",", "null", "\\", "\\ud800", "1e999", "*", "?", "/", "\0", "\u00ff", "${", "\"kms:*\"", "arn:aws:kms:::key/", "::ffff:", "/0"];

    private static readonly Gen<byte[]> Mutations = Gen.OneOf(
        Gen.Byte.Array[1, 3],
        Gen.OneOf(Fragments).Select(static fragment => Encoding.Latin1.GetBytes(fragment)));

    [Fact]
    public void Decisions_AreThoseOfTheModel() => Gen.Select(PolicyModel.Any.Array[1, 3], PolicyModel.Requests).Sample(
        static (models, request) => Assert.Equal(PolicyModel.Judge(models, request), Verdict(models.Select(static model => Parse(model.ToJson())), request)),
        iter: Iterations);

    [Fact]
    public void WhatIsWritten_DecidesAlike() => Gen.Select(PolicyModel.Any, PolicyModel.Requests).Sample(
        static (model, request) =>
        {
            PolicyDocument policy = Parse(model.ToJson());
            byte[] written = Write(policy);
            PolicyDocument again = PolicyDocument.Parse(written);

            Assert.Equal(Verdict([policy], request), Verdict([again], request));
            Assert.Equal(written, Write(again));
        },
        iter: Iterations);

    [Fact]
    public void ADeny_WinsWhereverItStands() => Gen.Select(
        PolicyModel.Any.Array[1, 4], PolicyModel.Requests, Gen.Int[0, 4]).Sample(
        static (models, request, at) =>
        {
            List<PolicyDocument> policies = [.. models.Select(static model => Parse(model.ToJson()))];
            policies.Insert(at % (policies.Count + 1), Parse($$$"""{"Statement":{"Effect":"Deny","Action":"{{{request.Action}}}"}}"""));

            Assert.False(Verdict(policies, request));
        },
        iter: Iterations);

    [Fact]
    public void TheOrderOfStatements_DecidesNothing() => Gen.Select(PolicyModel.Any, PolicyModel.Requests).Sample(
        static (model, request) => Assert.Equal(
            Verdict([Parse(model.ToJson())], request), Verdict([Parse(new PolicyModel([.. model.Statements.Reverse()]).ToJson())], request)),
        iter: Iterations);

    [Fact]
    public void AnyBytes_AreReadOrRefused() => Gen.Byte.Array[0, 64].Sample(IsConsistent, iter: Iterations);

    [Fact]
    public void MutatedPolicies_AreReadOrRefused() => Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, 6], Mutations).Array[1, 3].Sample(
        static edits =>
        {
            byte[] policy = Seed;
            foreach ((int at, int removed, byte[] inserted) in edits)
            {
                int start = at % (policy.Length + 1);
                policy = [.. policy.AsSpan(0, start), .. inserted, .. policy.AsSpan(Math.Min(policy.Length, start + removed))];
            }

            IsConsistent(policy);
        },
        iter: Iterations);

    [Fact]
    public void TheSeed_IsAPolicy() => Assert.Equal(2, PolicyDocument.Parse(Seed).Statements.Length);

    [Fact]
    public void Wildcards_AreThoseOfRegularExpressions()
    {
        Gen<string> texts = Gen.OneOf('a', 'b').Array[0, 8].Select(static characters => new string(characters));
        Gen<string> patterns = Gen.OneOf('a', 'b', '*', '?').Array[0, 8].Select(static characters => new string(characters));
        Gen.Select(patterns, texts).Sample(
            static (pattern, text) => Assert.Equal(
                Regex.IsMatch(text, $"^{pattern.Replace("*", ".*").Replace('?', '.')}$"), Wildcard.Matches(pattern, text)),
            iter: Iterations);
    }

    /// <summary>Would not end in this world if a mismatch went back to more than the last star.</summary>
    [Fact]
    public void ManyStars_DoNotBlowUp() =>
        Assert.False(Wildcard.Matches(string.Concat(Enumerable.Repeat("*a", 100)) + "b", new string('a', 4_000)));

    /// <summary>What is read can be written, and that is the same policy.</summary>
    private static void IsConsistent(byte[] bytes)
    {
        try
        {
            byte[] written = Write(PolicyDocument.Parse(bytes));
            Assert.Equal(written, Write(PolicyDocument.Parse(written)));
        }
        catch (KmsException refused)
        {
            Assert.Equal(KmsError.MalformedRequest, refused.Error);
            Assert.InRange(refused.Message.Length, 10, 400);
        }
    }

    private static bool? Verdict(IEnumerable<PolicyDocument> policies, AccessRequest request) =>
        PolicyCases.Judge(request, [.. policies.Select(static (policy, index) => new NamedPolicy($"p{index}", policy))]).Reason switch
        {
            DecisionReason.Allowed => true,
            DecisionReason.Denied => false,
            _ => null,
        };

    private static PolicyDocument Parse(string json) => PolicyCases.Parse(json);

    private static byte[] Write(PolicyDocument policy)
    {
        ArrayBufferWriter<byte> output = new();
        using (Utf8JsonWriter writer = new(output))
        {
            policy.WriteTo(writer);
        }

        return output.WrittenSpan.ToArray();
    }
}
