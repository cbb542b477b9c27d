using System.Security.Cryptography;

namespace KmsSidecar.Audit;

/// <summary>A place in the chain: the number of a record, and its hash.</summary>
/// <param name="Sequence">Counts from 1; 0 is the place before the first.</param>
/// <param name="Hash">SHA-256, not to be changed.</param>
internal sealed record AuditPosition(long Sequence, byte[] Hash)
{
    public static AuditPosition Start { get; } = new(0, new byte[SHA256.HashSizeInBytes]);

    /// <summary>What a head signs about this place.</summary>
    public string HeadText => $"kms-sidecar audit head\n{Sequence}\n{Convert.ToHexStringLower(Hash)}\n";
}
