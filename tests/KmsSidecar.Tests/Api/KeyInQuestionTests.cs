using System.Buffers;
using System.Text;
using CsCheck;
using KmsSidecar.Api;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Api;

/// <summary>The key that policies are judged on is the one that the handler's own reader finds.</summary>
public sealed class KeyInQuestionTests
{
    private static readonly string[] Members =
    [
        "\"key_id\":\"a\"", "\"key_id\":\"b\"", "\"key\\u005fid\":\"c\"", "\"key_id\":null", "\"key_id\":1", "\"key_id\":{\"key_id\":\"a\"}",
        "\"key_spec\":\"AES_256\"", "\"encryption_context\":{\"key_id\":\"d\"}", "\"encryption_context\":null", "\"Key_id\":\"e\"", "\"key_id \":\"f\"",
        "\"key_id\":\"\\ud83d\\ude00\"", "\"key_id\":\"\\ud800\"", "\"key_id\":\"\"", "\"x\":[[\"key_id\",\"a\"]]",
    ];

    private static readonly string[] Fragments = ["{", "}", "[", "]", "\"", ",", ":", "\\", "null", "/**/", "\0", " ", "\u00ff"];

    private static readonly Gen<byte[]> Bodies = Gen.Select(
        Gen.OneOf(Members).Array[0, 4],
        Gen.Select(Gen.Int[0, 400], Gen.OneOf(Fragments)).Array[0, 1],
        static (members, edits) => Encoding.Latin1.GetBytes(edits.Aggregate(
            $"{{{string.Join(',', members)}}}", static (text, edit) => text.Insert(edit.Item1 % (text.Length + 1), edit.Item2))));

    [Fact]
    public void WhatTheReaderTakes_IsWhatWasJudged()
    {
        int taken = 0;
        Bodies.Sample(
            body =>
            {
                if (IsTaken(body, out string? keyId))
                {
                    Interlocked.Increment(ref taken);
                    Assert.Equal((true, keyId), Judged(body, KeyScope.BodyOrDefault));
                }
            },
            iter: 10_000);
        Assert.InRange(taken, 500, 9_500);
    }

    [Theory]
    [InlineData(KeyScope.Query, "", "keyId=a&key-id=b&key=c", "a")]
    [InlineData(KeyScope.Query, "", "keyId=&key-id=b&key=c", "b")]
    [InlineData(KeyScope.Query, "", "key=c", "c")]
    [InlineData(KeyScope.Query, "{\"key_id\":\"x\"}", "", null)]
    [InlineData(KeyScope.Body, "", "keyId=a", "a")]
    [InlineData(KeyScope.Body, "", "key-id=a&key=b", null)]
    [InlineData(KeyScope.Body, "{}", "keyId=a", null)]
    [InlineData(KeyScope.Body, "{\"key_id\":null}", "keyId=a", null)]
    [InlineData(KeyScope.Body, "{\"key_id\":\"b\"}", "keyId=a", "b")]
    [InlineData(KeyScope.Body, "{\"key_id\":\"b\",\"key_id\":\"b\"}", "keyId=a", null)]
    [InlineData(KeyScope.None, "{\"key_id\":\"b\"}", "keyId=a", null)]
    internal void TheName_IsTakenFromWhereTheRouteSays(KeyScope scope, string body, string query, string? reference) =>
        Assert.Equal(reference, Judged(Encoding.UTF8.GetBytes(body), scope, query) is (true, { } name) ? name : null);

    private static (bool IsNamed, string? Reference) Judged(byte[] body, KeyScope scope, string query = "")
    {
        using Call call = new()
        {
            Query = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(static pair => pair.Split('=')).ToDictionary(static pair => pair[0], static pair => pair[1]),
        };
        call.Input.Write(body);
        return KeyInQuestion.ReferenceIn(call, scope);
    }

    private static bool IsTaken(byte[] body, out string? keyId)
    {
        try
        {
            keyId = DataKeyRequest.Read(body, payload: null, []).KeyId;
            return true;
        }
        catch (KmsException)
        {
            keyId = null;
            return false;
        }
    }
}
