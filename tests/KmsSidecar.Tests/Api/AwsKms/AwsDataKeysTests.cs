using System.Text.Json;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>Every operation that uses keys, over TCP and the data socket: once with good input, and once for each of its errors.</summary>
public sealed class AwsDataKeysTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    public static TheoryData<bool> Doors => [true, false];

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task GeneratedKey_IsAnEnvelopeWithBothForms_AndOpens(bool overTcp)
    {
        ApiClient client = Client(overTcp);
        Answer made = (await client.AwsAsync("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","EncryptionContext":{"b":"o"}}""")).Expect(200);

        byte[] plaintext = made.Json.GetProperty("Plaintext").GetBytesFromBase64();
        byte[] blob = made.Json.GetProperty("CiphertextBlob").GetBytesFromBase64();
        Assert.Equal((32, "master"), (plaintext.Length, made["KeyId"]));
        Assert.True(Envelope.IsEnvelope(blob), "RustFS knows an envelope by its names");
        Assert.Equal("application/x-amz-json-1.1", made.Header("Content-Type"));
        Assert.Equal(made.Header("x-request-id"), made.Header("x-amzn-RequestId"));

        Answer opened = (await client.AwsAsync("Decrypt", Body(new { CiphertextBlob = blob, EncryptionContext = new { b = "o" } }))).Expect(200);
        Assert.Equal(plaintext, opened.Json.GetProperty("Plaintext").GetBytesFromBase64());
        Assert.Equal(("master", "SYMMETRIC_DEFAULT"), (opened["KeyId"], opened["EncryptionAlgorithm"]));

        // The same key, whichever form it is asked for in.
        Answer native = (await _host.Data.PostAsync(
            "/v1/decrypt", $$$"""{"ciphertext_blob":"{{{Convert.ToBase64String(blob)}}}","encryption_context":{"b":"o"}}""")).Expect(200);
        Assert.Equal(plaintext, native.Json.GetProperty("plaintext_key").GetBytesFromBase64());
    }

    [Theory]
    [InlineData("""{"KeyId":"master","KeySpec":"AES_128"}""", 16)]
    [InlineData("""{"KeyId":"master","NumberOfBytes":1}""", 1)]
    [InlineData("""{"KeyId":"master","NumberOfBytes":32,"GrantTokens":["x"],"Whatever":{"a":[1]}}""", 32)]
    [InlineData("""{"KeyId":"master","NumberOfBytes":1024,"KeySpec":null}""", 1024)]
    [InlineData("""{"KeySpec":"AES_256"}""", 32)]
    public async Task GeneratedKey_HasTheLengthThatIsAskedFor(string body, int length)
    {
        Answer made = (await _host.Tcp.AwsAsync("GenerateDataKey", body)).Expect(200);
        Assert.Equal(length, made.Json.GetProperty("Plaintext").GetBytesFromBase64().Length);

        Answer opened = (await _host.Data.AwsAsync("Decrypt", Body(new { CiphertextBlob = made["CiphertextBlob"] }))).Expect(200);
        Assert.Equal(made["Plaintext"], opened["Plaintext"]);
    }

    [Theory]
    [InlineData("master")]
    [InlineData("alias/default")]
    [InlineData("alias/master")]
    [InlineData("default")]
    [InlineData("arn:aws:kms:us-east-1:000000000000:key/master")]
    [InlineData("arn:aws:kms:us-east-1:000000000000:alias/default")]
    public async Task Key_IsAnsweredAsItWasAskedFor(string reference)
    {
        foreach (ApiClient client in (ApiClient[])[_host.Tcp, _host.Data])
        {
            Answer made = (await client.AwsAsync("GenerateDataKey", Body(new { KeyId = reference, KeySpec = "AES_256" }))).Expect(200);
            Assert.Equal(reference, made["KeyId"]);

            Answer opened = (await client.AwsAsync("Decrypt", Body(new { KeyId = reference, CiphertextBlob = made["CiphertextBlob"] }))).Expect(200);
            Assert.Equal(reference, opened["KeyId"]);
        }
    }

    [Fact]
    public async Task WithoutPlaintext_OnlyTheCiphertextIsAnswered()
    {
        Answer made = (await _host.Tcp.AwsAsync("GenerateDataKeyWithoutPlaintext", """{"KeyId":"master","KeySpec":"AES_256"}""")).Expect(200);

        Assert.Equal(["CiphertextBlob", "KeyId"], made.Json.EnumerateObject().Select(static member => member.Name));
        (await _host.Tcp.AwsAsync("Decrypt", Body(new { CiphertextBlob = made["CiphertextBlob"] }))).Expect(200);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task EncryptedBytes_OpenAgain(bool overTcp)
    {
        ApiClient client = Client(overTcp);
        foreach (int length in (int[])[1, 32, 4096])
        {
            byte[] plaintext = new byte[length];
            Random.Shared.NextBytes(plaintext);
            Answer made = (await client.AwsAsync("Encrypt", Body(new { KeyId = "master", Plaintext = plaintext, EncryptionContext = new { a = "ü" } }))).Expect(200);
            Assert.Equal(("master", "SYMMETRIC_DEFAULT"), (made["KeyId"], made["EncryptionAlgorithm"]));

            Answer opened = (await client.AwsAsync(
                "Decrypt", Body(new { CiphertextBlob = made["CiphertextBlob"], EncryptionContext = new { a = "ü" } }))).Expect(200);
            Assert.Equal(plaintext, opened.Json.GetProperty("Plaintext").GetBytesFromBase64());
        }
    }

    /// <summary>Ignored as every member that an operation does not have: nothing of it is in the answer.</summary>
    [Theory]
    [InlineData("GenerateDataKey", """{"KeySpec":"AES_256","CiphertextBlob":"AAAA","Plaintext":"AAAA"}""")]
    [InlineData("Encrypt", """{"CiphertextBlob":"AAAA","Plaintext":"AAAA"}""")]
    [InlineData("Encrypt", """{"SourceEncryptionContext":{"a":"b"},"DestinationEncryptionContext":{"a":"b"},"Plaintext":"AAAA"}""")]
    public async Task MemberOfAnotherOperation_IsIgnored(string operation, string body)
    {
        Answer made = (await _host.Tcp.AwsAsync(operation, body)).Expect(200);

        Answer opened = (await _host.Tcp.AwsAsync("Decrypt", Body(new { CiphertextBlob = made["CiphertextBlob"], Plaintext = "AAAA" }))).Expect(200);
        Assert.Equal(operation == "Encrypt" ? "AAAA" : made["Plaintext"], opened["Plaintext"]);
    }

    /// <summary>As PHP's encoder sends base64.</summary>
    [Fact]
    public async Task EscapedSlashes_AreTaken()
    {
        Answer made = (await _host.Tcp.AwsAsync("Encrypt", """{"KeyId":"master","Plaintext":"\/\/\/\/"}""")).Expect(200);
        string blob = made["CiphertextBlob"]!.Replace("/", "\\/", StringComparison.Ordinal);
        Answer opened = (await _host.Tcp.AwsAsync("Decrypt", $$"""{"CiphertextBlob":"{{blob}}"}""")).Expect(200);
        Assert.Equal("////", opened["Plaintext"]);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task ReEncrypted_OpensUnderTheOtherKeyAndContext(bool overTcp)
    {
        ApiClient client = Client(overTcp);
        string other = await MakeKeyAsync();
        Answer made = (await client.AwsAsync("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","EncryptionContext":{"b":"1"}}""")).Expect(200);

        Answer moved = (await client.AwsAsync("ReEncrypt", Body(new
        {
            CiphertextBlob = made["CiphertextBlob"],
            SourceKeyId = "alias/default",
            SourceEncryptionContext = new { b = "1" },
            DestinationKeyId = $"alias/{other}",
            DestinationEncryptionContext = new { b = "2" },
        }))).Expect(200);
        Assert.Equal(("alias/default", $"alias/{other}"), (moved["SourceKeyId"], moved["KeyId"]));
        Assert.Equal(("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT"), (moved["SourceEncryptionAlgorithm"], moved["DestinationEncryptionAlgorithm"]));

        Answer opened = (await client.AwsAsync("Decrypt", Body(new { CiphertextBlob = moved["CiphertextBlob"], EncryptionContext = new { b = "2" } }))).Expect(200);
        Assert.Equal((other, made["Plaintext"]), (opened["KeyId"], opened["Plaintext"]));
        (await client.AwsAsync("Decrypt", Body(new { CiphertextBlob = moved["CiphertextBlob"], EncryptionContext = new { b = "1" } })))
            .ExpectAws(400, "InvalidCiphertextException");
    }

    [Fact]
    public async Task RandomBytes_AreAnswered()
    {
        Answer first = (await _host.Tcp.AwsAsync("GenerateRandom", """{"NumberOfBytes":1024}""")).Expect(200);
        Answer second = (await _host.Data.AwsAsync("GenerateRandom", """{"NumberOfBytes":1024,"DryRun":true}""")).Expect(200);
        Assert.Equal(1024, first.Json.GetProperty("Plaintext").GetBytesFromBase64().Length);
        Assert.NotEqual(first["Plaintext"], second["Plaintext"]);
    }

    [Theory]
    [InlineData("GenerateDataKey", """{"KeyId":"nope","KeySpec":"AES_256"}""", "NotFoundException")]
    [InlineData("GenerateDataKey", """{"KeyId":"arn:aws:kms:eu-west-1:000000000000:key/master","KeySpec":"AES_256"}""", "NotFoundException")]
    [InlineData("GenerateDataKey", """{"KeyId":"arn:aws:kms:us-east-1:123456789012:key/master","KeySpec":"AES_256"}""", "NotFoundException")]
    [InlineData("GenerateDataKey", """{"KeyId":"arn:aws:s3:us-east-1:000000000000:key/master","KeySpec":"AES_256"}""", "InvalidArnException")]
    [InlineData("GenerateDataKey", """{"KeyId":"arn:aws:kms:us-east-1:000000000000:grant/master","KeySpec":"AES_256"}""", "InvalidArnException")]
    [InlineData("GenerateDataKey", """{"KeyId":"arn:","KeySpec":"AES_256"}""", "InvalidArnException")]
    [InlineData("GenerateDataKey", """{"KeyId":"","KeySpec":"AES_256"}""", "ValidationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master"}""", "ValidationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_512"}""", "ValidationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","NumberOfBytes":32}""", "ValidationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","NumberOfBytes":0}""", "ValidationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","NumberOfBytes":1025}""", "ValidationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","NumberOfBytes":"32"}""", "SerializationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","EncryptionContext":{"a":1}}""", "SerializationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","EncryptionContext":"a"}""", "SerializationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeyId":"other","KeySpec":"AES_256"}""", "SerializationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","DryRun":true}""", "DryRunOperationException")]
    [InlineData("GenerateDataKey", """{"KeyId":"nope","KeySpec":"AES_256","DryRun":true}""", "NotFoundException")]
    [InlineData("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256","Recipient":{}}""", "UnsupportedOperationException")]
    [InlineData("GenerateDataKey", "[]", "SerializationException")]
    [InlineData("GenerateDataKey", "{", "SerializationException")]
    [InlineData("GenerateDataKey", "{}x", "SerializationException")]
    [InlineData("GenerateDataKeyWithoutPlaintext", """{"KeyId":"nope","KeySpec":"AES_256"}""", "NotFoundException")]
    [InlineData("GenerateDataKeyWithoutPlaintext", """{"KeyId":"master","KeySpec":"AES_256","DryRun":true}""", "DryRunOperationException")]
    [InlineData("Encrypt", """{"KeyId":"nope","Plaintext":"AAAA"}""", "NotFoundException")]
    [InlineData("Encrypt", """{"KeyId":"master"}""", "ValidationException")]
    [InlineData("Encrypt", """{"KeyId":"master","Plaintext":""}""", "ValidationException")]
    [InlineData("Encrypt", """{"KeyId":"master","Plaintext":"A"}""", "SerializationException")]
    [InlineData("Encrypt", """{"KeyId":"master","Plaintext":"AAAA","EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}""", "InvalidKeyUsageException")]
    [InlineData("Encrypt", """{"KeyId":"master","Plaintext":"AAAA","DryRun":true}""", "DryRunOperationException")]
    [InlineData("Decrypt", "{}", "ValidationException")]
    [InlineData("Decrypt", """{"CiphertextBlob":""}""", "ValidationException")]
    [InlineData("Decrypt", """{"CiphertextBlob":"AAAA"}""", "InvalidCiphertextException")]
    [InlineData("Decrypt", """{"CiphertextBlob":"eyJrZXlfaWQiOiJ4In0="}""", "InvalidCiphertextException")]
    [InlineData("Decrypt", """{"CiphertextBlob":"*"}""", "SerializationException")]
    [InlineData("Decrypt", """{"CiphertextBlob":7}""", "SerializationException")]
    [InlineData("ReEncrypt", """{"CiphertextBlob":"AAAA"}""", "ValidationException")]
    [InlineData("ReEncrypt", """{"DestinationKeyId":"master"}""", "ValidationException")]
    [InlineData("ReEncrypt", """{"CiphertextBlob":"AAAA","DestinationKeyId":"master"}""", "InvalidCiphertextException")]
    [InlineData("ReEncrypt", """{"CiphertextBlob":"AAAA","DestinationKeyId":"arn:x"}""", "InvalidArnException")]
    [InlineData("GenerateRandom", "{}", "ValidationException")]
    [InlineData("GenerateRandom", """{"NumberOfBytes":1025}""", "ValidationException")]
    [InlineData("GenerateRandom", """{"NumberOfBytes":8,"CustomKeyStoreId":"cks-1"}""", "UnsupportedOperationException")]
    public async Task BadInput_HasItsCode(string operation, string body, string code)
    {
        (await _host.Tcp.AwsAsync(operation, body)).ExpectAws(400, code);
        (await _host.Data.AwsAsync(operation, body)).ExpectAws(400, code);
    }

    [Fact]
    public async Task TooLongValues_AreInvalid()
    {
        (await _host.Tcp.AwsAsync("Encrypt", Body(new { KeyId = "master", Plaintext = new byte[4097] }))).ExpectAws(400, "ValidationException");
        (await _host.Tcp.AwsAsync("Encrypt", Body(new { KeyId = new string('k', 2049), Plaintext = "AAAA" }))).ExpectAws(400, "ValidationException");
        (await _host.Tcp.AwsAsync(
            "GenerateDataKey", Body(new { KeyId = "master", KeySpec = "AES_256", EncryptionContext = new { a = new string('x', 8192) } })))
            .ExpectAws(400, "ValidationException");
        (await _host.Tcp.AwsAsync("Decrypt", Body(new { CiphertextBlob = new byte[100 * 1024] }))).ExpectAws(400, "ValidationException");
    }

    [Fact]
    public async Task AnotherKeyThanTheCiphertexts_IsIncorrect()
    {
        string other = await MakeKeyAsync();
        Answer made = (await _host.Tcp.AwsAsync("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256"}""")).Expect(200);

        (await _host.Tcp.AwsAsync("Decrypt", Body(new { KeyId = other, CiphertextBlob = made["CiphertextBlob"] }))).ExpectAws(400, "IncorrectKeyException");
        (await _host.Tcp.AwsAsync("ReEncrypt", Body(new { SourceKeyId = other, CiphertextBlob = made["CiphertextBlob"], DestinationKeyId = other })))
            .ExpectAws(400, "IncorrectKeyException");
        (await _host.Tcp.AwsAsync("Decrypt", Body(new { KeyId = "default", CiphertextBlob = made["CiphertextBlob"], DryRun = true })))
            .ExpectAws(400, "DryRunOperationException");
    }

    [Fact]
    public async Task StateOfAKey_DecidesWhatItDoes()
    {
        string key = await MakeKeyAsync();
        string generate = Body(new { KeyId = key, KeySpec = "AES_256" });
        string open = Body(new { CiphertextBlob = (await _host.Tcp.AwsAsync("GenerateDataKey", generate)).Expect(200)["CiphertextBlob"] });

        (await _host.Tcp.AwsAsync("DisableKey", Body(new { KeyId = key }))).Expect(200);
        (await _host.Tcp.AwsAsync("GenerateDataKey", generate)).ExpectAws(400, "DisabledException");
        (await _host.Tcp.AwsAsync("Encrypt", Body(new { KeyId = key, Plaintext = "AAAA" }))).ExpectAws(400, "DisabledException");
        (await _host.Tcp.AwsAsync("Decrypt", open)).Expect(200);

        (await _host.Tcp.AwsAsync("ScheduleKeyDeletion", Body(new { KeyId = key }))).Expect(200);
        (await _host.Tcp.AwsAsync("GenerateDataKey", generate)).ExpectAws(400, "KMSInvalidStateException");
        (await _host.Tcp.AwsAsync("Decrypt", open)).Expect(200);
    }

    private ApiClient Client(bool overTcp) => overTcp ? _host.Tcp : _host.Data;

    private static string Body<T>(T body) => JsonSerializer.Serialize(body);

    private async Task<string> MakeKeyAsync()
    {
        string name = $"key-{Guid.NewGuid():N}";
        (await _host.Admin.PostAsync($"{Kms}/keys", Body(new { key_name = name }))).Expect(200);
        return name;
    }
}
