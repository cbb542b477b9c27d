using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Crypto;
using KmsSidecar.Doubles;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Support;
using KmsSidecar.Vault;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>A double of OpenBao with a KV v2 mount, and backends on it over the real client. The clock is that of the backends; the client's is
/// the machine's.</summary>
internal sealed class Kv2Fixture : IAsyncDisposable
{
    public const string Prefix = "rustfs/kms/keys";

    private readonly List<Kv2Backend> _backends = [];

    private Kv2Fixture(VaultDouble vault) => Vault = vault;

    public VaultDouble Vault { get; }

    public SteeredClock Clock { get; } = new();

    public ConcurrentQueue<UnreadableKey> Reported { get; } = [];

    public ConcurrentQueue<string> Notices { get; } = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<Kv2Fixture> StartAsync()
    {
        Kv2Fixture fixture = new(await VaultDouble.StartAsync());
        fixture.Vault.Admin.EnableKv();
        return fixture;
    }

    /// <summary>A backend with a client of its own, which is disposed with the fixture.</summary>
    /// <param name="between">Puts something between the backend and its client.</param>
    public async Task<Kv2Backend> OpenAsync(
        bool cache = true, int maxCachedKeys = 1000, OpenMode mode = OpenMode.CreateMissing, Func<IVault, IVault>? between = null, string? token = null)
    {
        IVault client = await ConnectAsync(token);
        Kv2Settings settings = new("secret", Prefix, cache, maxCachedKeys, TimeSpan.FromMinutes(5));
        Kv2Reports reports = new(Reported.Enqueue, Notices.Enqueue);
        Kv2Backend backend = await Kv2Backend.OpenAsync(between is null ? client : between(client), settings, mode, reports, Clock, Cancellation);
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

    /// <summary>What is stored under a key's path; null when nothing is.</summary>
    public JsonObject? Stored(string path) => Vault.Admin.GetKv($"{Prefix}/{path}");

    public void Put(string path, JsonObject record) => Vault.Admin.PutKv($"{Prefix}/{path}", record);

    /// <summary>Stores a record as it is, but for some members.</summary>
    public void Edit(string path, Action<JsonObject> edit)
    {
        JsonObject record = Stored(path)!.DeepClone().AsObject();
        edit(record);
        Put(path, record);
    }

    public int CountOf(string method, string path = "*") => Vault.Requests.Count($"secret/*{path}", method);

    public async ValueTask DisposeAsync()
    {
        _backends.ForEach(static backend => backend.Dispose());
        await Vault.DisposeAsync();
    }
}
