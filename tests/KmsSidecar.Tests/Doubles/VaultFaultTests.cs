using System.Net;
using System.Text.Json;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Doubles.Http;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>Each fault is seen by a client, and ends.</summary>
public sealed class VaultFaultTests : IAsyncLifetime
{
    private const string Encrypt = "transit/encrypt/k";
    private const string Plaintext = """{"plaintext":"AAEC","associated_data":"e30="}""";

    private VaultDouble _vault = null!;
    private PlainVaultClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultDouble.StartAsync();
        _vault.Admin.EnableTransit();
        _vault.Admin.CreateTransitKey("k");
        _client = new PlainVaultClient(_vault);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return _vault.DisposeAsync();
    }

    [Theory]
    [InlineData(403, "permission denied")]
    [InlineData(429, "request path \"x\": rate limit quota exceeded")]
    [InlineData(500, "internal error")]
    [InlineData(502, "internal error")]
    [InlineData(503, "Vault is sealed")]
    public async Task Refusal_IsForItsPathAndTimes(int status, string sentence)
    {
        _vault.Faults.Add(Fault.Refuse(status, "transit/encrypt/*", times: 2));

        for (int i = 0; i < 2; i++)
        {
            (HttpStatusCode refused, JsonElement body) = await _client.SendAsync("POST", Encrypt, Plaintext);
            Assert.Equal((status, sentence), ((int)refused, body.GetProperty("errors")[0].GetString()));
            Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("GET", "transit/keys/k")).Status);
        }

        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("POST", Encrypt, Plaintext)).Status);
        Assert.Equal([status, 200, status, 200, 200], _vault.Requests.All.Select(static request => request.Status));
    }

    [Fact]
    public async Task Hanging_EndsWhenItIsCleared_AndBlocksNoOther()
    {
        Fault hang = Fault.Hang(Encrypt, times: 3);
        _vault.Faults.Add(hang);
        Task<(HttpStatusCode Status, JsonElement Body)>[] hanging = [.. Enumerable.Range(0, 3).Select(_ => _client.SendAsync("POST", Encrypt, Plaintext))];
        await _vault.Requests.WaitForAsync(3, Encrypt, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("POST", Encrypt, Plaintext)).Status);
        Assert.DoesNotContain(hanging, static task => task.IsCompleted);
        Assert.Equal(4, _vault.Requests.MostInFlight);
        _vault.Faults.Clear(hang);

        Assert.All(await Task.WhenAll(hanging), static answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
    }

    [Fact]
    public async Task Hanging_EndsWithItsClient()
    {
        _vault.Faults.Add(Fault.Hang());
        using CancellationTokenSource impatience = new();
        using PlainVaultClient client = new(_vault) { Patience = impatience.Token };
        Task<(HttpStatusCode, JsonElement)> hanging = client.SendAsync("GET", "transit/keys/k");
        await _vault.Requests.WaitForAsync(1, cancellation: TestContext.Current.CancellationToken);

        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hanging);
        while (_vault.Requests.InFlight > 0)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData(nameof(FaultKind.Cut), 1)]
    [InlineData(nameof(FaultKind.LoseAnswer), 2)]
    [InlineData(nameof(FaultKind.CutInBody), 2)]
    public async Task CutConnection_LeavesTheRequestDoneOrNot(string kind, int version)
    {
        _vault.Faults.Add(new Fault(Enum.Parse<FaultKind>(kind), "*/rotate") { Times = 1 });

        await Assert.ThrowsAsync<HttpRequestException>(() => _client.SendAsync("POST", "transit/keys/k/rotate"));

        Assert.Equal(version, _vault.Admin.ReadTransitKey("k")!["latest_version"]!.GetValue<int>());
    }

    [Fact]
    public async Task BadBodies_AreSent()
    {
        _vault.Faults.Add(Fault.NotJson(times: 1));
        using HttpResponseMessage page = await _client.AskAsync("GET", "transit/keys/k");
        Assert.Equal("<html>It works!</html>", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        _vault.Faults.Clear();

        _vault.Faults.Add(Fault.OtherShape(times: 1));
        Assert.Equal(JsonValueKind.Array, (await _client.SendAsync("GET", "transit/keys/k")).Body.GetProperty("data").ValueKind);
        _vault.Faults.Clear();

        _vault.Faults.Add(Fault.Huge(times: 1));
        using HttpResponseMessage huge = await _client.AskAsync("GET", "transit/keys/k");
        Assert.Equal(10 * 1024 * 1024, (await huge.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length);
        _vault.Faults.Clear();

        _vault.Faults.Add(Fault.Drip(gap: TimeSpan.Zero));
        Assert.Equal("k", (await _client.SendAsync("GET", "transit/keys/k")).Body.GetProperty("data").GetProperty("name").GetString());
    }

    [Fact]
    public async Task Redirect_NamesTheOtherHost()
    {
        _vault.Faults.Add(Fault.Redirect(new Uri("http://127.0.0.2:1"), "kv/*"));

        using HttpResponseMessage moved = await _client.AskAsync("GET", "kv/data/a?version=1");

        Assert.Equal((HttpStatusCode.TemporaryRedirect, new Uri("http://127.0.0.2:1/v1/kv/data/a?version=1")), (moved.StatusCode, moved.Headers.Location));
    }

    [Fact]
    public async Task Delay_BlocksNoOther()
    {
        _vault.Faults.Add(Fault.Delay(TimeSpan.FromHours(1), times: 1));
        Task<(HttpStatusCode, JsonElement)> delayed = _client.SendAsync("GET", "transit/keys/k");
        await _vault.Requests.WaitForAsync(1, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("GET", "transit/keys/k")).Status);
        Assert.False(delayed.IsCompleted);

        await _vault.StopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => delayed);
    }

    [Theory]
    [InlineData(false, 200, 200)]
    [InlineData(true, 400, 200)]
    [InlineData(null, 400, 400)]
    public async Task AssociatedData_IsIgnoredWhereItIsTold(bool? inBatchesOnly, int singly, int inBatch)
    {
        if (inBatchesOnly is { } batches)
        {
            _vault.Faults.Add(Fault.IgnoreAssociatedData("transit/*", batches));
        }

        string single = Ciphertext((await _client.SendAsync("POST", Encrypt, Plaintext)).Body.GetProperty("data"));
        JsonElement batched = (await _client.SendAsync("POST", Encrypt, $$"""{"batch_input":[{{Plaintext}}]}""")).Body;
        string batch = Ciphertext(batched.GetProperty("data").GetProperty("batch_results")[0]);

        Assert.Equal(singly, (int)(await _client.SendAsync("POST", "transit/decrypt/k", $$"""{"ciphertext":"{{single}}","associated_data":"e319"}""")).Status);
        Assert.Equal(inBatch, (int)(await _client.SendAsync("POST", "transit/decrypt/k", $$"""{"batch_input":[{"ciphertext":"{{batch}}","associated_data":"e319"}]}""")).Status);

        static string Ciphertext(JsonElement result) => result.GetProperty("ciphertext").GetString()!;
    }

    [Fact]
    public void BusyServer_QueuesWhatItsWorkersCannotTake()
    {
        ServiceTime time = new(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(1), Workers: 2);

        Assert.Equal([11, 26, 22, 36], new[] { 1, 16, 1, 1 }.Select((items, i) => time.Reserve(TimeSpan.FromMilliseconds(i == 3 ? 25 : 0), items).TotalMilliseconds));
    }
}
