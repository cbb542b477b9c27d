using KmsSidecar.Backends;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Backends.Transit;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Live;

/// <summary>A backend on a real server, with one key; none where there is no server.</summary>
public abstract class LiveBackend : IAsyncLifetime
{
    private const string Prefix = "rustfs/kms/keys";
    private static readonly object KeyValue = new { type = "kv", options = new { version = "2" } };

    private LiveVault? _vault;

    internal IKeyBackend? Backend { get; private set; }

    public async ValueTask InitializeAsync()
    {
        _vault = LiveVault.Find();
        if (_vault is not null)
        {
            Backend = await OpenAsync(_vault);
            await Backend.CreateAsync("contract-key");
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Backend?.Dispose();
        if (_vault is not null)
        {
            await _vault.DisposeAsync();
        }
    }

    private protected abstract Task<IKeyBackend> OpenAsync(LiveVault vault);

    public sealed class Transit : LiveBackend
    {
        private protected override async Task<IKeyBackend> OpenAsync(LiveVault vault)
        {
            TransitSettings settings = new(
                await vault.MountAsync(new { type = "transit" }), await vault.MountAsync(KeyValue), Prefix, CacheKeys: true, 1000, TimeSpan.FromMinutes(5));
            return await TransitBackend.OpenAsync(
                await vault.ConnectAsync(), settings, OpenMode.CreateMissing, new BackendReports(static _ => { }, static _ => { }), TimeProvider.System, default);
        }
    }

    public sealed class Kv2 : LiveBackend
    {
        private protected override async Task<IKeyBackend> OpenAsync(LiveVault vault)
        {
            Kv2Settings settings = new(await vault.MountAsync(KeyValue), Prefix, CacheKeys: true, 1000, TimeSpan.FromMinutes(5));
            return await Kv2Backend.OpenAsync(
                await vault.ConnectAsync(), settings, OpenMode.CreateMissing, new BackendReports(static _ => { }, static _ => { }), TimeProvider.System, default);
        }
    }
}
