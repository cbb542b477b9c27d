using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>What the server's refusals of an encryption or a decryption mean, by its own words.</summary>
internal static class TransitFaults
{
    /// <summary>Whether the server finds a request too large, so that a smaller one would pass.</summary>
    public static bool IsTooLarge(VaultAnswer answer) => answer.Fault == VaultFault.Rejected
        && (answer.Status == 413 || answer.Reason.Contains("high complexity", StringComparison.Ordinal));

    /// <summary>What the fault of a call for one item is to its caller.</summary>
    public static KmsError ErrorOf(TransitDirection direction, VaultAnswer answer) =>
        ErrorOf(direction, answer, otherwise: direction == TransitDirection.Decrypt && !IsTooLarge(answer) ? KmsError.InvalidCiphertext : KmsError.BackendRejected);

    /// <summary>What the fault of a call for several items is to their callers: where no item has a result, it is about none of the ciphertexts.</summary>
    public static KmsError ErrorOfBatch(TransitDirection direction, VaultAnswer answer) => ErrorOf(direction, answer, otherwise: KmsError.BackendRejected);

    /// <summary>What the error of one item of a batch is to its caller.</summary>
    public static KmsError ErrorOf(TransitDirection direction, string reason) =>
        ErrorOfKey(direction, reason) ?? (direction == TransitDirection.Decrypt ? KmsError.InvalidCiphertext : KmsError.BackendRejected);

    /// <param name="otherwise">For a 400 that is not about the key.</param>
    private static KmsError ErrorOf(TransitDirection direction, VaultAnswer answer, KmsError otherwise) => answer switch
    {
        { Fault: VaultFault.Rejected, Status: 400 } => ErrorOfKey(direction, answer.Reason) ?? otherwise,

        // With a reason it is the mount that is missing.
        { Fault: VaultFault.NotFound } => answer.Reason.Length > 0 ? KmsError.BackendRejected : MissingKey(direction),
        _ => answer.Fault.ToError(),
    };

    private static KmsError? ErrorOfKey(TransitDirection direction, string reason) =>
        reason.Contains("soft-deleted key", StringComparison.Ordinal) ? KmsError.KeyDamaged
        : reason.Contains("encryption key not found", StringComparison.Ordinal) ? MissingKey(direction)
        : null;

    private static KmsError MissingKey(TransitDirection direction) =>
        direction == TransitDirection.Decrypt ? KmsError.InvalidCiphertext : KmsError.KeyNotFound;
}
