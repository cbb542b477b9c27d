namespace KmsSidecar.Vault;

/// <summary>One Vault or OpenBao server, reached as one identity: the seam between the backends and the wire.</summary>
/// <remarks>Thread-safe. Token, namespace, deadlines, retries, breaker and queue are behind it; what a path means is before it.</remarks>
internal interface IVault
{
    /// <summary>For people: the address, and the namespace where there is one.</summary>
    string Name { get; }

    /// <summary>Null where it is not known.</summary>
    VaultStatus? Status => null;

    /// <summary>Sends a call and waits for its answer, as often and as long as its kind allows.</summary>
    /// <returns>Whatever came of it, also where no answer came: see <see cref="VaultAnswer.Fault"/>. The caller disposes it.</returns>
    /// <exception cref="OperationCanceledException">Only when <paramref name="cancellation"/> is cancelled.</exception>
    ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation);

    /// <summary>Whether a call would have a chance now: the credentials hold, the breaker is closed, the server is unsealed. Makes next to no load:
    /// what is known from the last seconds is the answer.</summary>
    /// <returns>None, or why not; its answer carries the sentence.</returns>
    ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation);
}
