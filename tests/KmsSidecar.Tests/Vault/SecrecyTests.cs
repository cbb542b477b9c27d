using KmsSidecar.Crypto;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Errors;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>Tokens and secret ids are in no log line, no exception, no sentence and no text of an object.</summary>
public sealed class SecrecyTests : IDisposable
{
    private const string Marker = "zq7-marker-of-a-secret";

    private readonly CapturedLog _log = new();
    private readonly List<string> _said = [];

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task ServerThatRepeatsTheToken_PutsItNowhere()
    {
        await using ScriptedServer server = new(static request => ScriptedServer.Errors(400, $"you sent {request.Header("X-Vault-Token")}"));
        await using (ClientUnderTest test = await ClientUnderTest.OpenAsync(
            new VaultSettings { Address = server.Address, Auth = ClientUnderTest.TokenAuth(Marker) }, log: _log))
        {
            using VaultAnswer answer = await test.SendAsync();
            Say(answer, test.Client.Status);
        }

        AssertNothingIsSaid();
    }

    [Fact]
    public async Task LogIn_ThatRepeatsTheSecretId_PutsItNowhere()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Hang);
        foreach (int status in new[] { 200, 400, 403, 500 })
        {
            server.Answer = request => ScriptedServer.Errors(status, $"you sent {request.Body}");
            await FailAsync(new VaultAuth.AppRole("role", ClientUnderTest.Secret(Marker)), server.Address);
        }

        AssertNothingIsSaid();
    }

    [Fact]
    public async Task TokensInTheirLife_AreSaidNowhere()
    {
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = ClientUnderTest.NewClock();
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Clock = clock, RootToken = Marker });
        await using (ClientUnderTest test = await ClientUnderTest.OpenAsync(
            new VaultSettings { Address = vault.Address, Auth = ClientUnderTest.TokenAuth(Marker) }, clock, _log))
        {
            foreach (Fault fault in new[] { Fault.Refuse(403), Fault.Refuse(503), Fault.Cut(), Fault.NotJson(), Fault.OtherShape(), Fault.Huge() })
            {
                vault.Faults.Clear();
                vault.Faults.Add(fault);
                using VaultAnswer answer = await test.SendPassingTimeAsync("auth/token/lookup-self");
                Say(answer, test.Client.Status);
                clock.Advance(TimeSpan.FromMinutes(1));
            }
        }

        AssertNothingIsSaid();
    }

    [Fact]
    public void ObjectsThatHoldSecrets_DoNotPrintThem()
    {
        using VaultAuth token = ClientUnderTest.TokenAuth(Marker);
        using VaultAuth role = new VaultAuth.AppRole("role", ClientUnderTest.Secret(Marker));
        using VaultSettings settings = new() { Address = new Uri("http://h"), Auth = token };
        using SecretBytes granted = ClientUnderTest.Secret(Marker);
        TokenLife life = new(0, null, null, IsRenewable: false);
        VaultToken used = new(ClientUnderTest.Secret(Marker), 1, life);

        _said.AddRange(new object[] { token, role, settings, new TokenGrant(granted, life), used }.Select(static holder => holder.ToString()!));

        AssertNothingIsSaid();
        used.Release();
    }

    [Fact]
    public void Token_IsWiped_AfterTheLastOfItsUsers()
    {
        SecretBytes value = ClientUnderTest.Secret(Marker);
        VaultToken token = new(value, 1, new TokenLife(0, null, null, IsRenewable: false));
        Assert.True(token.TryUse());

        token.Release();
        Assert.Equal(Marker, token.ToHeader());
        token.Release();

        Assert.True(value.IsDisposed);
        Assert.False(token.TryUse());
    }

    private async Task FailAsync(VaultAuth auth, Uri address)
    {
        KmsException failed = await Assert.ThrowsAsync<KmsException>(
            () => ClientUnderTest.OpenAsync(new VaultSettings { Address = address, Auth = auth, Attempts = 1 }, log: _log));
        _said.Add(failed.ToString());
    }

    private void Say(VaultAnswer answer, VaultStatus status) => _said.AddRange([answer.Sentence, answer.Reason, answer.ToException().ToString(), status.ToString()]);

    private void AssertNothingIsSaid()
    {
        Assert.NotEmpty(_said);
        Assert.DoesNotContain(Marker, string.Join('\n', _said));
        Assert.DoesNotContain(Marker, _log.Text);
    }
}
