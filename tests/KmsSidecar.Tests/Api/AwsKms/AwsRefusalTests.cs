using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>What is refused before an operation begins, and who may do what.</summary>
public sealed class AwsRefusalTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const string Generate = """{"KeyId":"master","KeySpec":"AES_256"}""";

    private readonly TestHost _host = running.Host;

    [Theory]
    [InlineData("Sign")]
    [InlineData("CreateGrant")]
    [InlineData("generateDataKey")]
    [InlineData("*")]
    [InlineData("")]
    public async Task UnknownOperation_IsNamedAsSuch(string operation)
    {
        (await _host.Tcp.AwsAsync(operation, "{}")).ExpectAws(400, "UnknownOperationException");
        (await _host.Data.AwsAsync(operation, "{}")).ExpectAws(400, "UnknownOperationException");
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/plain; charset=utf-8")]
    public async Task OtherContentType_IsRefusedWithTheMend(string type)
    {
        foreach (ApiClient client in (ApiClient[])[_host.Tcp, _host.Data])
        {
            Answer refused = (await client.AwsAsync("GenerateDataKey", Generate, type)).ExpectAws(400, "UnknownOperationException");
            Assert.Contains("application/x-amz-json-1.1", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("application/x-amz-json-1.0")]
    [InlineData("application/x-amz-json-1.1; charset=utf-8")]
    [InlineData("APPLICATION/X-AMZ-JSON-1.1")]
    public async Task ContentTypeOfTheSameKind_IsTaken(string type)
    {
        (await _host.Tcp.AwsAsync("GenerateDataKey", Generate, type)).Expect(200);
        (await _host.Data.AwsAsync("GenerateDataKey", Generate, type)).Expect(200);
    }

    [Fact]
    public async Task TargetlessJson_IsAnUnknownOperation()
    {
        using ByteArrayContent content = new(Encoding.UTF8.GetBytes("{}"));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.1");
        (await _host.Data.SendAsync("POST", "/", content)).ExpectAws(400, "UnknownOperationException");
    }

    [Fact]
    public async Task HugeBody_IsTooLarge()
    {
        string body = $$"""{"KeyId":"{{new string('x', 10 * 1024 * 1024)}}"}""";
        (await _host.Tcp.AwsAsync("Encrypt", body)).ExpectAws(413, "RequestEntityTooLargeException");
        (await _host.Data.AwsAsync("Encrypt", body)).ExpectAws(413, "RequestEntityTooLargeException");
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("sts")]
    public async Task SignatureForAnotherService_IsInvalid(string service) =>
        (await _host.Tcp.AwsAsync("GenerateDataKey", Generate, service: service)).ExpectAws(400, "InvalidSignatureException");

    [Fact]
    public async Task SignatureFaults_HaveTheirCodes()
    {
        using ApiClient stranger = ApiClient.OverTcp(_host.Address, ("nobody", "secret"));
        (await stranger.AwsAsync("GenerateDataKey", Generate)).ExpectAws(400, "UnrecognizedClientException");

        using ApiClient wrong = ApiClient.OverTcp(_host.Address, (AccessKey, "wrong"));
        (await wrong.AwsAsync("GenerateDataKey", Generate)).ExpectAws(400, "InvalidSignatureException");

        using ApiClient unsigned = ApiClient.OverTcp(_host.Address, credentials: null);
        (await unsigned.AwsAsync("GenerateDataKey", Generate)).ExpectAws(400, "MissingAuthenticationTokenException");

        using ApiClient token = ApiClient.OverTcp(_host.Address, (AccessKey, Secret), sessionToken: "none");
        (await token.AwsAsync("GenerateDataKey", Generate)).ExpectAws(400, "UnrecognizedClientException");
    }

    [Fact]
    public async Task SignatureOnTheDataSocket_IsIgnored()
    {
        using HttpContent content = new ByteArrayContent(Encoding.UTF8.GetBytes(Generate));
        content.Headers.TryAddWithoutValidation("X-Amz-Target", "TrentService.GenerateDataKey");
        content.Headers.TryAddWithoutValidation("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/kms/aws4_request");
        content.Headers.TryAddWithoutValidation("Content-Type", "application/x-amz-json-1.1");
        (await _host.Data.SendAsync("POST", "/", content)).Expect(200);
    }

    [Fact]
    public async Task UsersPolicies_AreJudgedOnTheKeyThatIsUsed()
    {
        string mine = await MakeKeyAsync();
        using ApiClient user = await MakeUserAsync(
            $$$"""{"Statement":{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt","kms:Encrypt"],"Resource":"arn:aws:kms:::key/{{{mine}}}"}}""");
        string sealedByMine = await BlobAsync(mine);
        string sealedByMaster = await BlobAsync("master");

        (await user.AwsAsync("GenerateDataKey", Body(new { KeyId = $"alias/{mine}", KeySpec = "AES_256" }))).Expect(200);
        (await user.AwsAsync("GenerateDataKey", Generate)).ExpectAws(400, "AccessDeniedException");
        (await user.AwsAsync("GenerateDataKey", """{"KeySpec":"AES_256"}""")).ExpectAws(400, "AccessDeniedException");
        (await user.AwsAsync("GenerateDataKey", """{"KeyId":"alias/default","KeySpec":"AES_256"}""")).ExpectAws(400, "AccessDeniedException");

        (await user.AwsAsync("Decrypt", Body(new { CiphertextBlob = sealedByMine }))).Expect(200);
        (await user.AwsAsync("Decrypt", Body(new { CiphertextBlob = sealedByMaster }))).ExpectAws(400, "AccessDeniedException");
        (await user.AwsAsync("Decrypt", Body(new { KeyId = mine, CiphertextBlob = sealedByMaster }))).ExpectAws(400, "AccessDeniedException");

        // From one key to another needs both.
        (await user.AwsAsync("ReEncrypt", Body(new { CiphertextBlob = sealedByMine, DestinationKeyId = mine }))).Expect(200);
        (await user.AwsAsync("ReEncrypt", Body(new { CiphertextBlob = sealedByMaster, DestinationKeyId = mine }))).ExpectAws(400, "AccessDeniedException");
        (await user.AwsAsync("ReEncrypt", Body(new { CiphertextBlob = sealedByMine, DestinationKeyId = "master" }))).ExpectAws(400, "AccessDeniedException");

        foreach (string operation in (string[])["DescribeKey", "DisableKey", "ScheduleKeyDeletion", "GetKeyPolicy", "CreateKey", "ListKeys", "ListAliases"])
        {
            (await user.AwsAsync(operation, Body(new { KeyId = mine }))).ExpectAws(400, "AccessDeniedException");
        }

        // What needs no right.
        (await user.AwsAsync("GenerateRandom", """{"NumberOfBytes":8}""")).Expect(200);
        (await user.AwsAsync("Nothing", "{}")).ExpectAws(400, "UnknownOperationException");
    }

    /// <summary>What the drop-in's user is given is enough for all that an unmodified RustFS calls.</summary>
    [Fact]
    public async Task PolicyForRustFs_IsEnoughForRustFs()
    {
        using ApiClient rustfs = await MakeUserAsync(
            """{"Statement":{"Effect":"Allow","Action":["kms:ListKeys","kms:DescribeKey","kms:GenerateDataKey","kms:Encrypt","kms:Decrypt"],"Resource":"arn:aws:kms:::*"}}""");
        (await rustfs.AwsAsync("ListKeys", """{"Limit":1}""")).Expect(200);
        (await rustfs.AwsAsync("DescribeKey", """{"KeyId":"rustfs-internal-kms-probe"}""")).ExpectAws(400, "NotFoundException");
        Answer made = (await rustfs.AwsAsync("GenerateDataKey", """{"KeyId":"alias/default","KeySpec":"AES_256"}""")).Expect(200);
        (await rustfs.AwsAsync("Decrypt", Body(new { CiphertextBlob = made["CiphertextBlob"] }))).Expect(200);
        (await rustfs.AwsAsync("ScheduleKeyDeletion", """{"KeyId":"master"}""")).ExpectAws(400, "AccessDeniedException");
    }

    private static string Body<T>(T body) => JsonSerializer.Serialize(body);

    private async Task<string> BlobAsync(string key) =>
        (await _host.Tcp.AwsAsync("GenerateDataKey", Body(new { KeyId = key, KeySpec = "AES_256" }))).Expect(200)["CiphertextBlob"]!;

    private async Task<string> MakeKeyAsync()
    {
        string name = $"key-{Guid.NewGuid():N}";
        (await _host.Admin.PostAsync($"{Kms}/keys", Body(new { key_name = name }))).Expect(200);
        return name;
    }

    private async Task<ApiClient> MakeUserAsync(string policy)
    {
        string name = $"user-{Guid.NewGuid():N}"[..16];
        (await _host.Admin.SendAsync("PUT", $"{Kms}/policies/{name}", policy)).Expect(200);
        (await _host.Admin.PostAsync($"{Kms}/users", Body(new { access_key = name, secret_key = $"{name}-secret", policies = new[] { name } }))).Expect(200);
        return ApiClient.OverTcp(_host.Address, (name, $"{name}-secret"));
    }
}
