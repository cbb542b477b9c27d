using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>What the server's refusals of an encryption or a decryption mean, by its own words.</summary>
internal static class TransitFaults
{
    /// <summary>Whether the server finds a request too large, so that a smaller one would pass.</summary>
    public static bool IsTooLarge(VaultAnswer answer) => answer.Fault == VaultFault.Rejected
        && (answer.Status == 413 || answer.Reason.Contains("high complexity", StringComparison.Ordinal));

    /// <summary>What a whole call's fault is to its callers.</summary>
    public static KmsError ErrorOf(TransitDirection direction, VaultAnswer answer) => answer switch
    {
        { Fault: VaultFault.Rejected, Status: 400 } when !IsTooLarge(answer) => ErrorOf(direction, answer.Reason),

        // With a reason it is the mount that is missing.
        { Fault: VaultFault.NotFound } => answer.Reason.Length > 0 ? KmsError.BackendRejected : MissingKey(direction),
        _ => answer.Fault.ToError(),
    };

    /// <summary>What a 400, or the error of one item, is to the caller.</summary>
    public static KmsError ErrorOf(TransitDirection direction, string reason)
    {
        if (reason.Contains("soft-deleted key", StringComparison.Ordinal))
        {
            return KmsError.KeyDamaged;
        }

        if (reason.Contains("encryption key not found", StringComparison.Ordinal))
        {
            return MissingKey(direction);
        }

        return direction == TransitDirection.Decrypt ? KmsError.InvalidCiphertext : KmsError.BackendRejected;
    }

    private static KmsError MissingKey(TransitDirection direction) =>
        direction == TransitDirection.Decrypt ? KmsError.InvalidCiphertext : KmsError.KeyNotFound;
}
