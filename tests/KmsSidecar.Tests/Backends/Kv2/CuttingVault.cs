using KmsSidecar.Doubles.Faults;
using KmsSidecar.Vault;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>Loses the connection at one call, and every one after it, as a process that is stopped there.</summary>
/// <param name="calls">How many come through before.</param>
/// <param name="isCarriedOut">The server does what the first lost call asks, and its answer alone is lost.</param>
internal sealed class CuttingVault(IVault inner, FaultList faults, int calls, bool isCarriedOut) : IVault
{
    private int _sent;

    /// <summary>Whether it came so far.</summary>
    public bool HasCut => Volatile.Read(ref _sent) > calls;

    public string Name => inner.Name;

    public async ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation)
    {
        int sent = Interlocked.Increment(ref _sent);
        if (sent == calls + 1)
        {
            faults.Add(isCarriedOut ? Fault.LoseAnswer("secret/*", times: 1) : Fault.Cut("secret/*"));
            VaultAnswer answer = await inner.SendAsync(call, cancellation);
            faults.Clear();
            faults.Add(Fault.Cut("secret/*"));
            return answer;
        }

        return await inner.SendAsync(call, cancellation);
    }

    public ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation) => inner.CheckAsync(cancellation);
}
