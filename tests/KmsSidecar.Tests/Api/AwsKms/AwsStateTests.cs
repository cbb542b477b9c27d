using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>What RustFS is told in each state of the service: nothing that trips its breaker, and a list of keys always.</summary>
public sealed class AwsStateTests
{
    private const string Generate = """{"KeyId":"alias/default","KeySpec":"AES_256"}""";

    [Fact]
    public async Task PausedOrUnconfiguredService_IsInAnInvalidState_AndListsNoKeys()
    {
        await using TestHost host = await StartAsync();
        await ExpectPausedAsync(host);
        (await host.Admin.PostAsync($"{Kms}/configure", host.LocalConfiguration)).Expect(200);
        await ExpectPausedAsync(host);
        (await host.Admin.PostAsync($"{Kms}/start")).Expect(200);
        string blob = (await host.Tcp.AwsAsync("GenerateDataKey", Generate)).Expect(200)["CiphertextBlob"]!;
        (await host.Admin.PostAsync($"{Kms}/stop")).Expect(200);
        await ExpectPausedAsync(host);
        (await host.Tcp.AwsAsync("Decrypt", $$"""{"CiphertextBlob":"{{blob}}"}""")).ExpectAws(400, "KMSInvalidStateException");

        // And works again at once.
        (await host.Admin.PostAsync($"{Kms}/start")).Expect(200);
        (await host.Tcp.AwsAsync("Decrypt", $$"""{"CiphertextBlob":"{{blob}}"}""")).Expect(200);
    }

    [Fact]
    public async Task DamagedKey_DoesNotTripTheBreaker()
    {
        await using TestHost host = await StartRunningAsync();
        (await host.Admin.PostAsync($"{Kms}/keys", """{"key_name":"bad"}""")).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/stop")).Expect(200);
        File.WriteAllText(host.Directory.PathOf("keys/bad.key"), "{");
        (await host.Admin.PostAsync($"{Kms}/start")).Expect(200);

        (await host.Tcp.AwsAsync("GenerateDataKey", """{"KeyId":"bad","KeySpec":"AES_256"}""")).ExpectAws(400, "KMSInvalidStateException");
        (await host.Tcp.AwsAsync("GenerateDataKey", Generate)).Expect(200);
    }

    private static async Task ExpectPausedAsync(TestHost host)
    {
        foreach (ApiClient client in (ApiClient[])[host.Tcp, host.Data])
        {
            (await client.AwsAsync("GenerateDataKey", Generate)).ExpectAws(400, "KMSInvalidStateException");
            (await client.AwsAsync("Encrypt", """{"KeyId":"master","Plaintext":"AAAA"}""")).ExpectAws(400, "KMSInvalidStateException");
            (await client.AwsAsync("DescribeKey", """{"KeyId":"rustfs-internal-kms-probe"}""")).ExpectAws(400, "KMSInvalidStateException");
            (await client.AwsAsync("CreateKey", "{}")).ExpectAws(400, "KMSInvalidStateException");
            (await client.AwsAsync("ListAliases", "{}")).ExpectAws(400, "KMSInvalidStateException");
            Answer keys = (await client.AwsAsync("ListKeys", """{"Limit":1}""")).Expect(200);
            Assert.Equal("""{"Keys":[],"Truncated":false}""", keys.Text);
            (await client.AwsAsync("GenerateRandom", """{"NumberOfBytes":8}""")).Expect(200);
        }
    }
}
