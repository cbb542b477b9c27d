using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Bodies, routes and methods that are refused, each with its exact words.</summary>
public sealed class BadRequestTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const int AdminLimit = 1024 * 1024;
    private const int DataLimit = 256 * 1024;

    private readonly TestHost _host = running.Host;

    [Theory]
    [InlineData("""{"backend_type":"local","colour":"red"}""", "member 'colour' is unknown")]
    [InlineData("""{"backend_type":"local","backend_type":"local"}""", "member 'backend_type' is given twice")]
    [InlineData("""{"backend_type":"local","b\u0061ckend_type":"local"}""", "member 'backend_type' is given twice")]
    [InlineData("""{"backend_type":7}""", "member 'backend_type' must be a string, not a number")]
    [InlineData("""{"backend_type":"local","enable_cache":"yes"}""", "member 'enable_cache' must be true or false, not a string")]
    [InlineData("""{"backend_type":"local","timeout_seconds":1.5}""", "member 'timeout_seconds' must be a whole number from 1 to 300")]
    [InlineData("""{"backend_type":"local","key_dir":["/x"]}""", "member 'key_dir' must be a string, not an array")]
    [InlineData("""{"key_dir":"/x"}""", "member 'backend_type' is missing: configure replaces the whole configuration")]
    [InlineData("""{"backend_type":"hsm"}""", "member 'backend_type' names no backend; 'local', 'static', 'vault', 'vault-transit' and 'vault-kv2' are known")]
    [InlineData("[]", "a JSON object is expected, not an array")]
    [InlineData("{", "malformed JSON at line 1, column 2")]
    [InlineData("{\n  \"backend_type\": local\n}", "malformed JSON at line 2, column 19")]
    [InlineData("""{"backend_type":"local"} x""", "malformed JSON at line 1, column 26")]
    [InlineData("", "a request body is required: a JSON object with 'backend_type' and its fields")]
    public async Task Configure_NamesWhatIsWrong(string body, string message)
    {
        Answer answer = await _host.Tcp.PostAsync($"{Kms}/configure", body);

        answer.ExpectFailure(400, "MalformedRequest", message);
        Assert.Equal("Running", answer["status"]);
    }

    [Theory]
    [InlineData("start", """{"force":1}""", "member 'force' must be true or false, not a number")]
    [InlineData("start", """{"Force":true}""", "member 'Force' is unknown")]
    [InlineData("rollback", """{"generation":0}""", "member 'generation' must be a whole number from 1 to 9223372036854775807")]
    [InlineData("rollback", """{"to":1}""", "member 'to' is unknown")]
    [InlineData("keys", """{"tags":{"a":1}}""", "member 'tags.a' must be a string, not a number")]
    [InlineData("keys", """{"tags":{"a":"1","a":"2"}}""", "member 'tags.a' is given twice")]
    [InlineData("keys", """{"description":"a","Description":"b"}""", "member 'Description' is given in both spellings")]
    [InlineData("keys", """{"KeyUsage":"ENCRYPT"}""", "member 'KeyUsage' must be EncryptDecrypt or ENCRYPT_DECRYPT")]
    [InlineData("keys", """{"key_name":"a","tags":{"name":"b"}}""", "'key_name' and 'tags.name' both name the key, and differ")]
    [InlineData("generate-data-key", """{"key_spec":"RSA"}""", "member 'key_spec' must be AES_256, AES_128 or ChaCha20")]
    [InlineData("generate-data-key", """{"count":2}""", "member 'count' is unknown")]
    public async Task AdminRoute_NamesWhatIsWrong(string route, string body, string message) =>
        (await _host.Tcp.PostAsync($"{Kms}/{route}", body)).ExpectFailure(400, "MalformedRequest", message);

    [Theory]
    [InlineData("generate-data-key", """{"keyid":"x"}""", "member 'keyid' is unknown")]
    [InlineData("generate-data-key", """{"key_id":"a","key_id":"b"}""", "member 'key_id' is given twice")]
    [InlineData("generate-data-key", """{"encryption_context":[]}""", "member 'encryption_context' must be an object of strings")]
    [InlineData("generate-data-key", """{"encryption_context":{"a":1}}""", "member 'encryption_context': encryption_context.a must be a string")]
    [InlineData("generate-data-key", """{"encryption_context":{"a" 1}}""", "malformed JSON at line 1, column 28")]
    [InlineData("generate-data-key", """{"count":0}""", "member 'count' must be a whole number from 1 to 64")]
    [InlineData("generate-data-key", """{"count":65}""", "member 'count' must be a whole number from 1 to 64")]
    [InlineData("decrypt", "{}", "one of the members 'ciphertext_blob' and 'items' is needed")]
    [InlineData("decrypt", """{"ciphertext_blob":"%%"}""", "member 'ciphertext_blob' is not base64")]
    [InlineData("decrypt", """{"ciphertext_blob":"AAAA","key_id":"k"}""", "member 'key_id' is unknown: the blob itself names its key")]
    [InlineData("decrypt", """{"ciphertext_blob":"AAAA","count":1}""", "member 'count' is unknown")]
    [InlineData("encrypt", """{"plaintext":""}""", "member 'plaintext' is missing or empty")]
    [InlineData("encrypt", """{"plaintext":"AAAA","key_spec":"AES_256"}""", "member 'key_spec' is unknown")]
    public async Task DataRoute_NamesWhatIsWrong(string route, string body, string message) =>
        (await _host.Data.PostAsync($"/v1/{route}", body)).ExpectFailure(400, "MalformedRequest", message);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Case", "65")]
    public async Task OversizedBody_Is413(bool inChunks)
    {
        (await _host.Tcp.SendAsync("POST", $"{Kms}/configure", Zeros(AdminLimit + 1, inChunks))).ExpectFailure(
            413, "RequestTooLarge", "the request body is too large: this route takes up to 1048576 bytes");
        (await _host.Data.SendAsync("POST", "/v1/decrypt", Zeros(DataLimit + 1, inChunks))).ExpectFailure(
            413, "RequestTooLarge", "the request body is too large: this route takes up to 262144 bytes");
        (await _host.Tcp.SendAsync("GET", "/livez", Zeros(1, inChunks))).ExpectFailure(
            413, "RequestTooLarge", "the request body is too large: this route takes up to 0 bytes");
    }

    [Fact]
    [Trait("Case", "66")]
    public async Task UnsignedPayloadInChunks_IsReadUpToTheLimit()
    {
        using ApiClient unsigned = ApiClient.OverTcp(_host.Address, (TestHost.AccessKey, TestHost.Secret), payload: "UNSIGNED-PAYLOAD");

        (await unsigned.SendAsync("POST", $"{Kms}/clear-cache", Zeros(AdminLimit + 1, inChunks: true))).ExpectFailure(
            413, "RequestTooLarge", "the request body is too large: this route takes up to 1048576 bytes");
        (await unsigned.SendAsync("POST", $"{Kms}/clear-cache", Zeros(16, inChunks: true))).Expect(200);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LargestBody_IsRead(bool inChunks) =>
        (await _host.Data.SendAsync("POST", "/v1/decrypt", Zeros(DataLimit, inChunks))).ExpectFailure(
            400, "MalformedRequest", "malformed JSON at line 1, column 1");

    [Theory]
    [InlineData("GET", Kms + "/nope")]
    [InlineData("GET", Kms + "/status/")]
    [InlineData("GET", Kms + "/keys/")]
    [InlineData("GET", Kms + "/keys/a/b")]
    [InlineData("POST", "/v1/decrypt")]
    public async Task UnknownRoute_Is404(string method, string target) =>
        (await _host.Tcp.SendAsync(method, target)).ExpectFailure(404, "UnknownRoute", "there is no such route");

    [Theory]
    [InlineData("PUT", Kms + "/status", "GET, HEAD, POST")]
    [InlineData("GET", Kms + "/configure", "POST")]
    [InlineData("DELETE", Kms + "/keys/some-key", "GET, HEAD")]
    [InlineData("HEAD", Kms + "/start", "POST")]
    public async Task WrongMethod_Is405WithAllow(string method, string target, string allow)
    {
        Answer answer = (await _host.Tcp.SendAsync(method, target)).Expect(405);

        Assert.Equal(allow, answer.Header("Allow"));
    }

    [Fact]
    public async Task UnknownKey_Is404()
    {
        (await _host.Tcp.GetAsync($"{Kms}/keys/nope")).ExpectFailure(404, "KeyNotFound", "key not found");
        (await _host.Data.GetAsync("/v1/keys/nope")).ExpectFailure(404, "KeyNotFound", "key not found");
        (await _host.Data.PostAsync("/v1/generate-data-key", """{"key_id":"nope"}""")).ExpectFailure(404, "KeyNotFound", "key not found");
    }

    [Fact]
    public async Task WrongState_Is409()
    {
        (await _host.Tcp.PostAsync($"{Kms}/configure", _host.LocalConfiguration)).ExpectFailure(
            409, "WrongState", "cannot configure while the service is running; use reconfigure, or stop it first");
        (await _host.Tcp.PostAsync($"{Kms}/start")).ExpectFailure(
            409, "WrongState", "the service is already running; {\"force\":true} rebuilds it");
    }

    [Fact]
    public async Task BackendOfAnotherBuild_Is501() =>
        (await _host.Tcp.PostAsync($"{Kms}/reconfigure", """{"backend_type":"aws"}""")).ExpectFailure(
            501, "Unsupported", "backend_type 'aws' is not in this build; it has 'local', 'static', 'vault', 'vault-transit' and 'vault-kv2'");

    [Theory]
    [InlineData("/keys/a%20b", "percent escape")]
    [InlineData("/describe-key?keyId=a&keyId=b", "parameter twice")]
    [InlineData("/list-keys?limit=%31%00", "control character")]
    public async Task AmbiguousTarget_Is400(string target, string says)
    {
        Answer answer = (await _host.Admin.GetAsync(Kms + target)).Expect(400);

        Assert.Contains(says, answer.Message);
    }

    private static HttpContent Zeros(int length, bool inChunks) =>
        inChunks ? new ChunkedContent(new byte[length]) : new ByteArrayContent(new byte[length]);

    /// <summary>Does not know its length, so the client sends it in chunks.</summary>
    private sealed class ChunkedContent(byte[] content) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            stream.WriteAsync(content).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
