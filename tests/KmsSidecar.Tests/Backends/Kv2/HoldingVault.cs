using KmsSidecar.Vault;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>Holds the answer to the first write back, which the server has carried out, until it is let go.</summary>
internal sealed class HoldingVault(IVault inner) : IVault
{
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => inner.Name;

    /// <summary>Ends when there is an answer that is held.</summary>
    public Task Held => _held.Task;

    public void Release() => _released.SetResult();

    public async ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation)
    {
        VaultAnswer answer = await inner.SendAsync(call, cancellation);
        if (call.Operation == "kv-write" && _held.TrySetResult())
        {
            await _released.Task.WaitAsync(cancellation);
        }

        return answer;
    }

    public ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation) => inner.CheckAsync(cancellation);
}
