using System.Text;
using CsCheck;
using KmsSidecar.Errors;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>Answers of servers that mean no good.</summary>
public sealed class TransitAnswerTests
{
    private const string Batch = """{"data":{"batch_results":[{"plaintext":"AAEC","reference":""},{"plaintext":"","error":"cipher: message authentication failed"}]}}""";

    public static TheoryData<string> NotSingle =>
    [
        "", "null", "[]", "{}", """{"data":null}""", """{"data":{}}""", """{"data":{"plaintext":7}}""", """{"data":{"plaintext":"A"}}""",
        """{"data":{"plaintext":"AAEC*"}}""", """{"data":{"plaintext":"\ud800"}}""", """{"data":{"ciphertext":"vault:v1:AAEC"}}""",
        $$$"""{"data":{"plaintext":"{{{new string('A', 5468)}}}"}}""",
    ];

    public static TheoryData<string> NotBatch =>
    [
        "", "{}", """{"data":{"batch_results":{}}}""", """{"data":{"batch_results":[]}}""", """{"data":{"batch_results":[{"plaintext":"AAEC"}]}}""",
        """{"data":{"batch_results":[{"plaintext":"AAEC"},{}]}}""", """{"data":{"batch_results":[{"plaintext":"AAEC"},{"plaintext":"AAEC"},{"plaintext":"AAEC"}]}}""",
        """{"data":{"batch_results":[{"plaintext":"AAEC"},7]}}""",
    ];

    [Theory]
    [MemberData(nameof(NotSingle))]
    public void AnswerWithoutAResult_IsNone(string body)
    {
        using TransitItem item = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
        Assert.False(TransitAnswers.TryReadSingle(Encoding.UTF8.GetBytes(body), item));
    }

    [Theory]
    [MemberData(nameof(NotBatch))]
    public void AnswerWithoutAResultForEach_IsNone(string body)
    {
        using TransitItem first = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
        using TransitItem second = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
        Assert.False(TransitAnswers.TryReadBatch(Encoding.UTF8.GetBytes(body), [first, second]));
    }

    [Fact]
    public void EachItem_GetsItsOwn()
    {
        using TransitItem first = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
        using TransitItem second = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
        Assert.True(TransitAnswers.TryReadBatch(Encoding.UTF8.GetBytes(Batch), [first, second]));
        Assert.Equal([0, 1, 2], first.Result.ToArray());
        Assert.Equal((KmsError.InvalidCiphertext, "cipher: message authentication failed"), (second.Error, second.Reason));
        Assert.True(second.Result.IsEmpty);
    }

    [Fact]
    public void RandomDamage_NeverThrows_AndAlwaysHasAnOutcome()
    {
        byte[] good = Encoding.UTF8.GetBytes(Batch);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length]).Sample(change =>
        {
            byte[] damaged = [.. good[..change.Item3]];
            if (change.Item1 < damaged.Length)
            {
                damaged[change.Item1] = change.Item2;
            }

            using TransitItem first = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
            using TransitItem second = TransitItem.Decrypt("vault:v1:AAEC"u8, default);
            bool isRead = TransitAnswers.TryReadBatch(damaged, [first, second]);
            return !isRead || (first.Error != KmsError.Internal && second.Error != KmsError.Internal);
        });
    }

    /// <summary>A server that refuses a whole batch has not judged any ciphertext of it.</summary>
    [Theory]
    [InlineData("cipher: message authentication failed", "InvalidCiphertext", "BackendRejected")]
    [InlineData("error parsing JSON", "InvalidCiphertext", "BackendRejected")]
    [InlineData("encryption key not found", "InvalidCiphertext", "InvalidCiphertext")]
    [InlineData("refusing to use soft-deleted key", "KeyDamaged", "KeyDamaged")]
    [InlineData("refused JSON input due to high complexity", "BackendRejected", "BackendRejected")]
    public void RefusalOfADecryption_MeansByWhatWasAsked(string reason, string ofOne, string ofMany)
    {
        using VaultAnswer answer = new(VaultFault.Rejected, status: 400, "a sentence", reason, body: null);
        Assert.Equal(ofOne, TransitFaults.ErrorOf(TransitDirection.Decrypt, answer).ToString());
        Assert.Equal(ofMany, TransitFaults.ErrorOfBatch(TransitDirection.Decrypt, answer).ToString());
    }

    [Theory]
    [InlineData("vault:v1:AAEC", 1)]
    [InlineData("vault:v4294967295:AAEC", 4294967295)]
    [InlineData("vault:v0:AAEC", 0)]
    [InlineData("vault:v01:AAEC", 0)]
    [InlineData("vault:v-1:AAEC", 0)]
    [InlineData("vault:v+1:AAEC", 0)]
    [InlineData("vault:v4294967296:AAEC", 0)]
    [InlineData("vault:v1:", 0)]
    [InlineData("vault:v1", 0)]
    [InlineData("vault:v", 0)]
    [InlineData("vault:v1:AA\"EC", 0)]
    [InlineData("vault:v1:AA EC", 0)]
    [InlineData("Vault:v1:AAEC", 0)]
    public void Ciphertext_HasOneShape(string text, long version)
    {
        Assert.Equal(version > 0, TransitCiphertext.TryReadVersion(Encoding.UTF8.GetBytes(text), out uint read));
        Assert.Equal(version, version > 0 ? read : 0);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"data":{"type":"aes256-gcm96"}}""")]
    [InlineData("""{"data":{"type":"aes256-gcm96","keys":{}}}""")]
    [InlineData("""{"data":{"type":"aes256-gcm96","keys":{"0":1}}}""")]
    [InlineData("""{"data":{"type":"aes256-gcm96","keys":{"x":1}}}""")]
    [InlineData("""{"data":{"type":"aes256-gcm96","keys":{"1":9223372036854775807}}}""")]
    [InlineData("""{"data":{"keys":{"1":1}}}""")]
    [InlineData("""{"data":[]}""")]
    public void AnswerThatIsNoKey_IsNone(string body) => Assert.Null(TransitKeyReader.TryRead(Encoding.UTF8.GetBytes(body), "k"));
}
