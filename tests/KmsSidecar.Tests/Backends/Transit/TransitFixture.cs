using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Crypto;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Http;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Support;
using KmsSidecar.Vault;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>A double of OpenBao with a Transit and a KV v2 mount, and backends on it over the real client. The clock is that of the backends; the
/// client's is the machine's.</summary>
internal sealed class TransitFixture : IAsyncDisposable
{
    public const string Prefix = "rustfs/kms/transit-metadata";

    private readonly List<TransitBackend> _backends = [];

    private TransitFixture(VaultDouble vault) => Vault = vault;

    public VaultDouble Vault { get; }

    public SteeredClock Clock { get; } = new();

    public ConcurrentQueue<UnreadableKey> Reported { get; } = [];

    public ConcurrentQueue<string> Notices { get; } = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="key">A Transit key that is there already; null for none.</param>
    public static async Task<TransitFixture> StartAsync(string? key = null, ServiceTime? time = null)
    {
        TransitFixture fixture = new(await VaultDouble.StartAsync(new VaultDoubleOptions { TransitTime = time }));
        fixture.Vault.Admin.EnableTransit();
        fixture.Vault.Admin.EnableKv();
        if (key is not null)
        {
            fixture.Vault.Admin.CreateTransitKey(key);
        }

        return fixture;
    }

    /// <summary>A backend with a client of its own, which is disposed with the fixture.</summary>
    public async Task<TransitBackend> OpenAsync(
        bool cache = true, int maxCachedKeys = 1000, OpenMode mode = OpenMode.CreateMissing, string? defaultKey = null, string? token = null)
    {
        TransitSettings settings = new("transit", "secret", Prefix, cache, maxCachedKeys, TimeSpan.FromMinutes(5), defaultKey);
        TransitReports reports = new(Reported.Enqueue, Notices.Enqueue);
        TransitBackend backend = await TransitBackend.OpenAsync(await ConnectAsync(token), settings, mode, reports, Clock, Cancellation);
        _backends.Add(backend);
        return backend;
    }

    /// <summary>A client that sends each call once and does not hold back after failures.</summary>
    public async Task<VaultClient> ConnectAsync(string? token = null) => await VaultClient.OpenAsync(
        new VaultSettings
        {
            Address = Vault.Address,
            Auth = new VaultAuth.Token(SecretBytes.CopyOf(Encoding.ASCII.GetBytes(token ?? Vault.RootToken))),
            Timeout = TimeSpan.FromSeconds(20),
            Attempts = 1,
            CircuitPeriod = TimeSpan.FromTicks(1),
        },
        TimeProvider.System,
        NullLoggerFactory.Instance,
        Cancellation);

    /// <summary>A token that may do what the policy says, and no more.</summary>
    public string TokenFor(string policy)
    {
        Vault.Admin.WritePolicy("narrow", policy);
        return Vault.Admin.CreateToken(["narrow"]);
    }

    /// <summary>The record of a key; null when there is none.</summary>
    public JsonObject? Stored(string keyId) => Vault.Admin.GetKv($"{Prefix}/{keyId}");

    public void Put(string keyId, JsonObject record) => Vault.Admin.PutKv($"{Prefix}/{keyId}", record);

    /// <summary>Stores a record as it is, but for some members.</summary>
    public void Edit(string keyId, Action<JsonObject> edit)
    {
        JsonObject record = Stored(keyId)!.DeepClone().AsObject();
        edit(record);
        Put(keyId, record);
    }

    public int CountOf(string path) => Vault.Requests.Count(path);

    public async ValueTask DisposeAsync()
    {
        _backends.ForEach(static backend => backend.Dispose());
        await Vault.DisposeAsync();
    }
}
