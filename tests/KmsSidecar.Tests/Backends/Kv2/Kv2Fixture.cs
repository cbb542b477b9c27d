using KmsSidecar.Backends;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Doubles;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>A double of OpenBao with a KV v2 mount, and backends on it.</summary>
internal sealed class Kv2Fixture : VaultFixture
{
    public const string Prefix = "rustfs/kms/keys";

    private Kv2Fixture(VaultDouble vault)
        : base(vault, Prefix)
    {
    }

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
        BackendReports reports = new(Reported.Enqueue, Notices.Enqueue);
        return Own(await Kv2Backend.OpenAsync(between is null ? client : between(client), settings, mode, reports, Clock, Cancellation));
    }

    public int CountOf(string method, string path = "*") => Vault.Requests.Count($"secret/*{path}", method);
}
