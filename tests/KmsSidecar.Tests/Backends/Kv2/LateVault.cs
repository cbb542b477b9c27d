using KmsSidecar.Vault;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>Puts something between a backend and its client when the first call for a record comes, which is after the backend is open.</summary>
internal sealed class LateVault(IVault inner, Func<IVault, IVault> between) : IVault
{
    private readonly Lazy<IVault> _between = new(() => between(inner));

    public string Name => inner.Name;

    public ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation) =>
        (call.Operation.StartsWith("kv-", StringComparison.Ordinal) ? _between.Value : inner).SendAsync(call, cancellation);

    public ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation) => inner.CheckAsync(cancellation);
}
