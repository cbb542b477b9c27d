using KmsSidecar.Errors;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>What is sent, byte for byte where it matters.</summary>
public sealed class RequestTests
{
    [Fact]
    public async Task Request_HasVaultsHeaders_AndTheCallersBody()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"));
        VaultSettings settings = new() { Address = new Uri($"{server.Address}base/"), Auth = ClientUnderTest.TokenAuth(), Namespace = "team/a" };
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(settings);

        using VaultAnswer answer = await test.SendAsync(ClientUnderTest.Call("kv/data/a%2e%2Fb?version=2", HttpMethod.Post, body: """{"x":1}"""));

        ScriptedRequest request = server.Requests[^1];
        Assert.Equal(("POST", "/base/v1/kv/data/a%2e%2Fb?version=2", """{"x":1}"""), (request.Method, request.Path, request.Body));
        Assert.Equal("true", request.Header("X-Vault-Request"));
        Assert.Equal("team/a", request.Header("X-Vault-Namespace"));
        Assert.Equal(ClientUnderTest.Token, request.Header("X-Vault-Token"));
        Assert.Equal("application/json", request.Header("Content-Type"));
        Assert.Equal($"{server.Address}base (namespace team/a)", test.Client.Name);
    }

    [Fact]
    public async Task Connection_IsKept()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        for (int i = 0; i < 5; i++)
        {
            using VaultAnswer answer = await test.SendAsync();
        }

        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a#b")]
    [InlineData("a\r\nX: y")]
    [InlineData("ä")]
    public async Task PathThatIsNotEncoded_IsAFaultOfTheCaller(string path)
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        await Assert.ThrowsAsync<ArgumentException>(() => test.SendAsync(path));
    }

    public static TheoryData<string, string> BadSettings => new()
    {
        { "ftp://h", "address" },
        { "http://user:pw@h", "address" },
        { "http://h?x=1", "address" },
    };

    [Theory]
    [MemberData(nameof(BadSettings))]
    public async Task AddressThatCannotBeMeant_IsRefused(string address, string names)
    {
        VaultSettings settings = new() { Address = new Uri(address), Auth = ClientUnderTest.TokenAuth() };

        await AssertRefusedAsync(settings, names);
    }

    [Fact]
    public async Task OtherSettingsThatCannotBeMeant_AreRefused()
    {
        Uri address = new("http://127.0.0.1:1");
        VaultAuth Role(string mount) => new VaultAuth.AppRole("r", ClientUnderTest.Secret("s"), Mount: mount);

        await AssertRefusedAsync(new() { Address = address, Auth = ClientUnderTest.TokenAuth(), Namespace = "a\r\nb" }, "namespace");
        await AssertRefusedAsync(new() { Address = address, Auth = ClientUnderTest.TokenAuth(), Attempts = 0 }, "attempts");
        await AssertRefusedAsync(new() { Address = address, Auth = ClientUnderTest.TokenAuth(), Tls = new VaultTls(ClientCertPath: "/c") }, "client_key_path");
        await AssertRefusedAsync(new() { Address = address, Auth = new VaultAuth.AppRole("r") }, "either secret_id or secret_id_file");
        await AssertRefusedAsync(new() { Address = address, Auth = Role("../sys") }, "mount of approle");
        await AssertRefusedAsync(new() { Address = address, Auth = Role("a?b") }, "mount of approle");
        await AssertRefusedAsync(new() { Address = address, Auth = new VaultAuth.Kubernetes("") }, "role");
    }

    private static async Task AssertRefusedAsync(VaultSettings settings, string names)
    {
        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => ClientUnderTest.OpenAsync(settings));

        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
        Assert.Contains(names, refused.Message);
    }
}
