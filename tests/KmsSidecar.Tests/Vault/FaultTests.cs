using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>What each answer of a server means, with the words that OpenBao 2.6.2 was recorded with, and what it means that there is none.</summary>
public sealed class FaultTests
{
    private const string Denied = "1 error occurred:\n\t* permission denied\n\n";

    [Theory]
    [InlineData(404, "", "NotFound", "has nothing at transit/keys/k")]
    [InlineData(404, "namespace not found", "NotFound", "vault namespace list")]
    [InlineData(404, "no handler for route \"transit/keys/k\". route entry not found.", "NotFound", "vault secrets list")]
    [InlineData(400, "check-and-set parameter did not match the current version", "Rejected", "refuses GET transit/keys/k with status 400: check-and-set")]
    [InlineData(413, "http: request body too large", "Rejected", "status 413")]
    [InlineData(403, Denied, "PolicyDenied", "vault policy write NAME FILE: path \"transit/keys/k\" { capabilities = [\"read\"] }")]
    [InlineData(429, "request path \"transit/keys/k\": rate limit quota exceeded", "RateLimited", "vault list sys/quotas/rate-limit")]
    [InlineData(503, "Vault is sealed", "Sealed", "vault operator unseal")]
    [InlineData(500, "internal error", "ServerError", "failed with status 500: internal error")]
    [InlineData(500, "local node not active but active cluster node not found", "ServerError", "vault operator members")]
    public async Task Status_IsItsFault_WithTheMend(int status, string error, string fault, string mend)
    {
        await using ScriptedServer server = new(_ => error.Length == 0
            ? ScriptedServer.Reply(status, """{"errors":[]}""")
            : ScriptedServer.Errors(status, error));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address, attempts: 1);

        using VaultAnswer answer = await test.SendAsync("transit/keys/k?x=1");

        Assert.Equal(fault, answer.Fault.ToString());
        Assert.Equal(status, answer.Status);
        Assert.Contains(mend, answer.Sentence);
        Assert.Equal(error.ReplaceLineEndings(" ").Replace('\t', ' ').Trim(), answer.Reason);
    }

    [Theory]
    [InlineData("GET", "read")]
    [InlineData("LIST", "list")]
    [InlineData("DELETE", "delete")]
    [InlineData("POST", "create\", \"update")]
    public async Task PolicyDenial_NamesTheCapability(string method, string capability)
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Errors(403, Denied));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendAsync(ClientUnderTest.Call("kv/metadata/a", new HttpMethod(method)));

        Assert.Equal(VaultFault.PolicyDenied, answer.Fault);
        Assert.Contains($"path \"kv/metadata/a\" {{ capabilities = [\"{capability}\"] }}", answer.Sentence);
        Assert.Equal(method, Assert.Single(server.Requests).Method);
    }

    [Theory]
    [InlineData(400, """{"data":{"batch_results":[{"error":"x"}]}}""", "Rejected")]
    [InlineData(404, """{"data":{"data":null,"metadata":{}}}""", "NotFound")]
    [InlineData(404, """{"message":"no such page"}""", "NotVault")]
    [InlineData(404, "<html>", "NotVault")]
    [InlineData(404, "", "NotVault")]
    [InlineData(403, "<html>Forbidden</html>", "NotVault")]
    [InlineData(400, "Client sent an HTTP request to an HTTPS server.", "NotVault")]
    [InlineData(400, "{\"errors\":[\"cut", "NotVault")]
    [InlineData(400, "{\"errors\":[\"\\ud800\"]}", "NotVault")]
    [InlineData(200, "<html>It works!</html>", "NotVault")]
    [InlineData(200, "[1]", "NotVault")]
    [InlineData(200, """{"data":{}}""", "None")]
    [InlineData(502, "<html>Bad Gateway</html>", "ServerError")]
    [InlineData(503, "", "ServerError")]
    public async Task Body_TellsVaultFromOthers(int status, string body, string fault)
    {
        await using ScriptedServer server = new(_ => ScriptedServer.Reply(status, body));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address, attempts: 1);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(fault, answer.Fault.ToString());
        Assert.Equal(fault == "None", answer.Sentence.Length == 0);
        Assert.Equal(fault == "NotVault", answer.Sentence.Contains("is not Vault"));
    }

    [Fact]
    public async Task NoContent_IsASuccessWithoutABody()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Raw("HTTP/1.1 204 No Content\r\n\r\n"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal((VaultFault.None, 204, 0), (answer.Fault, answer.Status, answer.Body.Length));
    }

    [Fact]
    public async Task Reason_IsPrintableAndBounded()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Errors(400, $"\u001b[31m\u202e{new string('x', 100_000)}"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendAsync();

        Assert.InRange(answer.Reason.Length, 100, 400);
        Assert.DoesNotContain(answer.Sentence, static letter => letter is '\u001b' or '\u202e');
    }

    [Theory]
    [InlineData("Content-Length: 10485760\r\n\r\n")]
    [InlineData("\r\n")]
    public async Task LongBody_IsRefused_BeforeAllOfItIsRead(string head)
    {
        long sent = 0;
        await using ScriptedServer server = new(_ => async (stream, end) =>
        {
            await ScriptedServer.Raw($"HTTP/1.1 200 OK\r\n{head}{{")(stream, end);
            byte[] chunk = new byte[64 * 1024];
            for (; sent < 1L << 30; sent += chunk.Length)
            {
                await stream.WriteAsync(chunk, end);
            }
        });
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.NotVault, answer.Fault);
        Assert.Contains("longer than 4 MiB", answer.Sentence);
        Assert.True(sent < 1L << 29);
    }

    [Theory]
    [InlineData("https://elsewhere.example:8200/v1/transit/keys/k", "redirects to https://elsewhere.example:8200, which is not followed")]
    [InlineData("/v1/other", "redirects, which is not followed")]
    public async Task Redirect_IsNotFollowed(string location, string sentence)
    {
        await using ScriptedServer server = new(_ => ScriptedServer.Reply(307, "", $"Location: {location}\r\n"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.NotVault, answer.Fault);
        Assert.Contains(sentence, answer.Sentence);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task NobodyListening_IsSaidSo()
    {
        ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address, attempts: 1);
        await server.DisposeAsync();

        // The first may still find the connection of the log-in, and how that ends.
        using VaultAnswer first = await test.SendAsync();
        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.Unreachable, answer.Fault);
        Assert.Contains($"nothing listens at {server.Address.GetLeftPart(UriPartial.Authority)}", answer.Sentence);
    }

    [Fact]
    public async Task UnknownName_IsSaidSo()
    {
        VaultSettings settings = new() { Address = new Uri("http://vault.invalid:8200"), Auth = ClientUnderTest.TokenAuth(), Attempts = 1 };

        Errors.KmsException failed = await Assert.ThrowsAsync<Errors.KmsException>(() => ClientUnderTest.OpenAsync(settings));

        Assert.Equal(Errors.KmsError.BackendUnavailable, failed.Error);
        Assert.Contains("the name vault.invalid of Vault's address", failed.Message);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":")]
    [InlineData("HTTP/1.1 200 OK\r\nConte")]
    [InlineData("")]
    public async Task CutAnswer_IsUnreachable(string text)
    {
        await using ScriptedServer server = new(_ => ScriptedServer.Cut(text));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address, attempts: 1);

        using VaultAnswer answer = await test.SendAsync(ClientUnderTest.Call("transit/encrypt/k", HttpMethod.Post, body: "{}"));

        Assert.Equal(VaultFault.Unreachable, answer.Fault);
        Assert.Contains("broke", answer.Sentence);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SlowAnswer_EndsByTheTimeLimit(bool drips)
    {
        await using ScriptedServer server = new(_ => drips ? ScriptedServer.Drip : ScriptedServer.Hang);
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address, attempts: 1);

        using VaultAnswer answer = await test.SendPassingTimeAsync(step: 1);

        Assert.Equal(VaultFault.TimedOut, answer.Fault);
        Assert.Contains("did not answer in 30 s", answer.Sentence);
        Assert.Contains("timeout_seconds", answer.Sentence);
    }

    [Fact]
    public async Task SomethingElseThanHttp_IsNotVault()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Cut("SSH-2.0-OpenSSH_9.2\r\n"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address, attempts: 1);

        using VaultAnswer answer = await test.SendAsync();

        Assert.Equal(VaultFault.NotVault, answer.Fault);
    }
}
