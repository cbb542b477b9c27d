using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using KmsSidecar.Crypto;
using KmsSidecar.Doubles;
using KmsSidecar.Keys;
using KmsSidecar.Tests.Support;
using KmsSidecar.Vault;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>A double of OpenBao, and backends on it over the real client. The clock is that of the backends; the client's is the machine's.</summary>
/// <param name="prefix">Of the records in the KV v2 mount.</param>
internal abstract class VaultFixture(VaultDouble vault, string prefix) : IAsyncDisposable
{
    private readonly List<IKeyBackend> _backends = [];

    public VaultDouble Vault => vault;

    public SteeredClock Clock { get; } = new();

    public ConcurrentQueue<UnreadableKey> Reported { get; } = [];

    public ConcurrentQueue<string> Notices { get; } = [];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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

    /// <summary>What is stored under a key's path; null when nothing is.</summary>
    public JsonObject? Stored(string path) => Vault.Admin.GetKv($"{prefix}/{path}");

    public void Put(string path, JsonObject record) => Vault.Admin.PutKv($"{prefix}/{path}", record);

    /// <summary>Stores a record as it is, but for some members.</summary>
    public void Edit(string path, Action<JsonObject> edit)
    {
        JsonObject record = Stored(path)!.DeepClone().AsObject();
        edit(record);
        Put(path, record);
    }

    public async ValueTask DisposeAsync()
    {
        _backends.ForEach(static backend => backend.Dispose());
        await Vault.DisposeAsync();
    }

    /// <summary>Has a backend disposed with the fixture.</summary>
    protected TBackend Own<TBackend>(TBackend backend)
        where TBackend : IKeyBackend
    {
        _backends.Add(backend);
        return backend;
    }
}
