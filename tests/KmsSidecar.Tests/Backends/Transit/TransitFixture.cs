using KmsSidecar.Backends;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Http;
using KmsSidecar.Keys;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>A double of OpenBao with a Transit and a KV v2 mount, and backends on it.</summary>
internal sealed class TransitFixture : VaultFixture
{
    public const string Prefix = "rustfs/kms/transit-metadata";

    private TransitFixture(VaultDouble vault)
        : base(vault, Prefix)
    {
    }

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
        BackendReports reports = new(Reported.Enqueue, Notices.Enqueue);
        return Own(await TransitBackend.OpenAsync(await ConnectAsync(token), settings, mode, reports, Clock, Cancellation));
    }

    public int CountOf(string path) => Vault.Requests.Count(path);
}
