using KmsSidecar.Vault;

namespace KmsSidecar.Tests.Backends.Transit;

/// <summary>Counts the calls that are under way at a vault, by path.</summary>
internal sealed class CountedVault(IVault vault) : IVault
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (int Now, int Most)> _counts = [];

    public string Name => vault.Name;

    public async ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation)
    {
        Count(call.Path, 1);
        try
        {
            return await vault.SendAsync(call, cancellation);
        }
        finally
        {
            Count(call.Path, -1);
        }
    }

    public ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation) => vault.CheckAsync(cancellation);

    public int Most(string path)
    {
        lock (_gate)
        {
            return _counts.GetValueOrDefault(path).Most;
        }
    }

    private void Count(string path, int change)
    {
        lock (_gate)
        {
            (int now, int most) = _counts.GetValueOrDefault(path);
            _counts[path] = (now + change, Math.Max(most, now + change));
        }
    }
}
