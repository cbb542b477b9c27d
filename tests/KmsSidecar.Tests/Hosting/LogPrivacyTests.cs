using System.Net;
using System.Net.Sockets;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>Nothing that a caller sends gets into the log as it was sent, at any level and in any format.</summary>
public sealed class LogPrivacyTests
{
    /// <summary>A marker, what would begin a line of its own, and what would colour a terminal.</summary>
    private const string Hostile = "zq7marker\\nzq7forged\\u001b[31mzq7red";

    [Theory]
    [InlineData("text")]
    [InlineData("json")]
    public async Task HostileInput_IsNotInTheLog(string format)
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(["--dev", "--listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", format]);
        Uri address = new(daemon.Exported("KMS"));
        using ApiClient data = ApiClient.OverUnix(daemon.Exported("SOCK"));
        using ApiClient signed = ApiClient.OverTcp(
            new Uri(address.GetLeftPart(UriPartial.Authority)), (daemon.Exported("RUSTFS_ACCESS_KEY"), daemon.Exported("RUSTFS_SECRET_KEY")));
        using ApiClient stranger = ApiClient.OverTcp(new Uri(address.GetLeftPart(UriPartial.Authority)), ("zq7marker", "zq7secret"));

        int[] statuses =
        [
            (await data.GetAsync("/zq7marker?zq7name=%0Azq7forged%1B%5B31m")).Status,
            (await data.GetAsync("/v1/keys/zq7marker")).Status,
            (await data.SendAsync("ZQ7VERB", "/v1/status")).Status,
            (await data.PostAsync("/v1/generate-data-key", $$"""{"{{Hostile}}":1}""")).Status,
            (await data.PostAsync("/v1/generate-data-key", $$"""{"key_id":"{{Hostile}}"}""")).Status,
            (await data.PostAsync("/v1/generate-data-key", $$$"""{"encryption_context":{"{{{Hostile}}}":1}}""")).Status,
            (await data.PostAsync("/v1/decrypt", """{"ciphertext_blob":"zq7marker"}""")).Status,
            (await stranger.GetAsync($"{TestHost.Kms}/status")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys", $$"""{"key_name":"{{Hostile}}"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys", $$"""{"description":"{{Hostile}}"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys", $$$"""{"tags":{"{{{Hostile}}}":"{{{Hostile}}}"}}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/reconfigure", $$"""{"key_dir":"{{Hostile}}"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/reconfigure", $$"""{"default_key_id":"{{Hostile}}"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/reconfigure", """{"default_key_id":"zq7marker"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys/enable", $$"""{"key_id":"{{Hostile}}"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys/rotate?keyId=zq7marker%0Azq7forged")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys/update-description", $$"""{"key_id":"default","description":"{{Hostile}}"}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys/tag", $$$"""{"key_id":"default","tags":{"{{{Hostile}}}":"{{{Hostile}}}"}}""")).Status,
            (await signed.PostAsync($"{TestHost.Kms}/keys/untag", $$"""{"key_id":"default","tag_keys":["{{Hostile}}"]}""")).Status,
            (await signed.SendAsync(
                "DELETE", $"{TestHost.Kms}/keys/delete", $$"""{"key_id":"default","force_immediate":true,"confirm_key_id":"{{Hostile}}"}""")).Status,
            (await data.PostAsync("/v1/rewrap", """{"items":[{"ciphertext_blob":"zq7marker"}]}""")).Status,
            (await signed.AwsAsync("Zq7marker", "{}")).Status,
            (await data.AwsAsync("Zq7marker", "{}", "zq7/marker")).Status,
            (await signed.AwsAsync("Encrypt", $$$"""{"KeyId":"{{{Hostile}}}","Plaintext":"enE3","EncryptionContext":{"zq7":"zq7"}}""")).Status,
            (await data.AwsAsync("Decrypt", """{"CiphertextBlob":"zq7m","GrantTokens":["zq7"]}""")).Status,
            (await signed.AwsAsync("CreateKey", $$"""{"Description":"{{Hostile}}","Tags":[{"TagKey":"{{Hostile}}","TagValue":"zq7"}]}""")).Status,
            (await signed.AwsAsync("ListKeys", """{"Marker":"zq7marker"}""")).Status,
            (await signed.AwsAsync("DescribeKey", """{"KeyId":"arn:aws:kms:zq7:zq7:key/zq7"}""")).Status,
        ];
        await SendRawAsync(address);
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());

        Assert.Equal([404, 404, 405, 400, 404, 400, 400, 403, 400, 200, 200, 400, 400, 404, 404, 400, 200, 200, 200, 400, 200, 400, 400, 400, 400, 200, 200, 400], statuses);
        string log = daemon.Errors;
        Assert.Contains("rustfs::kms::api", log);
        Assert.DoesNotContain("zq7", log, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(log, static character => char.IsControl(character) && character != '\n');
    }

    [Fact]
    public async Task HostileFileName_IsOneLineWithoutEscapes()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(["--dev", "--listen", "none", "--log-format", "text"]);
        string socket = daemon.Exported("SOCK");
        string directory = Path.Join(Path.GetDirectoryName(socket), "keys");
        File.WriteAllText(Path.Join(directory, "zq7\nforged line\u001b[31m\u202e.key"), "not a record");
        using ApiClient admin = ApiClient.OverUnix(Path.Join(Path.GetDirectoryName(socket), "admin.sock"));

        (await admin.PostAsync($"{TestHost.Kms}/start", """{"force":true}""")).Expect(200);
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());

        string line = Assert.Single(daemon.Errors.Split('\n'), static line => line.Contains("zq7"));
        Assert.Contains("zq7 forged line\ufffd[31m\ufffd.key", line);
        Assert.DoesNotContain(daemon.Errors.Split('\n'), static line => line.StartsWith("forged"));
    }

    /// <summary>A client that goes away in the middle is no error of the daemon's.</summary>
    [Fact]
    public async Task ClientThatDisconnects_LeavesNoWarning()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(["--dev", "--listen", "127.0.0.1:0", "--log-format", "text"]);
        Uri address = new(daemon.Exported("KMS"));
        using ApiClient data = ApiClient.OverUnix(daemon.Exported("SOCK"));
        EndPoint[] doors =
        [
            new IPEndPoint(IPAddress.Loopback, address.Port), new UnixDomainSocketEndPoint(daemon.Exported("SOCK")),
        ];
        foreach (EndPoint door in doors)
        {
            foreach (string start in new[] { "GET /li", "POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" })
            {
                using RawConnection finishing = await RawConnection.OpenAsync(door);
                await finishing.SendAsync(start);
                finishing.FinishSending();
                _ = await finishing.ReadAsync();

                using RawConnection resetting = await RawConnection.OpenAsync(door);
                await resetting.SendAsync(start);
                resetting.Reset();
            }
        }

        (await data.PostAsync("/v1/generate-data-key")).Expect(200);
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());

        string[] loud = [.. daemon.Errors.Split('\n').Where(static line => line.Contains(" warn ") || line.Contains(" error "))];
        Assert.All(loud, static line => Assert.Matches("master key|salt|request refused: AccessDenied", line));
    }

    private static async Task SendRawAsync(Uri address)
    {
        string[] requests =
        [
            "GET /livez HTTP/1.1\r\nHost: zq7marker\u001b[31m\r\n\r\n",
            "GET /livez\u001b[31mzq7 HTTP/1.1\r\nHost: x\r\n\r\n",
            "zq7marker\u001b[31m\r\n\r\n",
            $"GET {TestHost.Kms}/status HTTP/1.1\r\nHost: x\r\nzq7name: zq7value\r\nAuthorization: zq7scheme zq7value\r\n\r\n",
            $"GET {TestHost.Kms}/status HTTP/1.1\r\nHost: x\r\nx-amz-date: zq7\r\nAuthorization: AWS4-HMAC-SHA256 Credential=zq7/zq7\r\n\r\n",
        ];
        foreach (string request in requests)
        {
            using RawConnection raw = await RawConnection.OpenAsync(new IPEndPoint(IPAddress.Loopback, address.Port));
            await raw.SendAsync(request);
            Assert.InRange((await raw.ReadAsync())!.Status, 400, 403);
        }
    }
}
