using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using CsCheck;
using KmsSidecar.Api;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
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

    /// <summary>The same over the AWS KMS API, whose reader ignores what it does not know.</summary>
    [Fact]
    public void WhatTheAwsReaderTakes_IsWhatWasJudged()
    {
        (int keys, int envelopes) = (0, 0);
        AwsBodies.Sample(
            body =>
            {
                using Call call = new();
                call.Input.Write(body);
                if (!TryReadAws(call, out AwsRequest? request))
                {
                    return;
                }

                Interlocked.Add(ref keys, request.KeyId is null ? 0 : 1);
                Assert.Equal((true, request.KeyId), KeyInQuestion.ReferenceIn(call, KeyScope.AwsKeyIdOrDefault));
                Assert.Equal(request.DestinationKeyId is { Length: > 0 } to ? to : null, KeyInQuestion.ReferenceIn(call, KeyScope.AwsDestinationKeyId) is (true, { } named) ? named : null);
                if (request.CiphertextBlob is { } blob && Envelope.TryParse(blob.Span, out Envelope? envelope))
                {
                    Interlocked.Increment(ref envelopes);
                    Assert.Equal(envelope.MasterKeyId, KeyInQuestion.FindAsync(snapshot: null!, call, KeyScope.AwsCiphertextBlob).AsTask().Result);
                }
            },
            iter: 10_000);
        Assert.InRange(keys, 300, 9_700);
        Assert.InRange(envelopes, 300, 9_700);
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
    [InlineData(KeyScope.AwsKeyId, "{\"KeyId\":\"b\",\"key_id\":\"c\"}", "keyId=a", "b")]
    [InlineData(KeyScope.AwsKeyId, "{\"key_id\":\"c\"}", "keyId=a", null)]
    [InlineData(KeyScope.AwsDestinationKeyId, "{\"KeyId\":\"b\",\"DestinationKeyId\":\"c\"}", "", "c")]
    internal void TheName_IsTakenFromWhereTheRouteSays(KeyScope scope, string body, string query, string? reference) =>
        Assert.Equal(reference, Judged(Encoding.UTF8.GetBytes(body), scope, query) is (true, { } name) ? name : null);

    private static Gen<byte[]> AwsBodies { get; } = Gen.Select(
        Gen.OneOf(AwsMembers()).Array[0, 4],
        Gen.Select(Gen.Int[0, 800], Gen.OneOf(Fragments)).Array[0, 1],
        static (members, edits) => Encoding.Latin1.GetBytes(edits.Aggregate(
            $"{{{string.Join(',', members)}}}", static (text, edit) => text.Insert(edit.Item1 % (text.Length + 1), edit.Item2))));

    private static string[] AwsMembers()
    {
        string blob = Convert.ToBase64String(
            """{"key_id":"x","master_key_id":"alias/default","key_spec":"AES_256","encrypted_key":[1],"nonce":[2],"encryption_context":{},"created_at":"t"}"""u8);
        return
        [
            "\"KeyId\":\"a\"", "\"Key\\u0049d\":\"b\"", "\"KeyId\":null", "\"KeyId\":1", "\"keyid\":\"c\"", "\"x\":{\"KeyId\":\"d\"}", "\"KeyId\":\"\\ud800\"",
            "\"DestinationKeyId\":\"e\"", "\"DestinationKeyId\":\"\"", "\"EncryptionContext\":{\"KeyId\":\"f\"}", "\"Tags\":[]",
            $"\"CiphertextBlob\":\"{blob}\"", $"\"CiphertextBlob\":\"\\u{(int)blob[0]:x4}{blob[1..]}\"", $"\"CiphertextBlob\":\" {blob}\\n\"", "\"CiphertextBlob\":\"AAAA\"",
        ];
    }

    private static bool TryReadAws(Call call, [NotNullWhen(true)] out AwsRequest? request)
    {
        try
        {
            request = AwsRequest.Read(call);
            return true;
        }
        catch (AwsException)
        {
            request = null;
            return false;
        }
    }

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
