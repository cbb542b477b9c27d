using System.Globalization;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Sealing;

namespace KmsSidecar.Audit;

/// <summary>What the node itself knows of its log, sealed beside the state: how far it was when it was last signed.</summary>
internal sealed class AuditState(SealedFiles files)
{
    /// <summary>Name of the directory, and what its seals are bound to.</summary>
    public const string Purpose = "audit-state";

    private const string HeadFile = "head";

    public SealedFiles Files => files;

    /// <summary>Null when nothing was signed yet.</summary>
    /// <exception cref="KmsException">StorageFailed: it was changed.</exception>
    public AuditPosition? FindHead()
    {
        if (!files.Exists(HeadFile))
        {
            return null;
        }

        string? fault = files.TryRead(HeadFile, out SecretBytes? content);
        using (content)
        {
            return fault is null && Read(content!.Span) is { } head
                ? head
                : throw new KmsException(
                    KmsError.StorageFailed, FaultCause.Damaged, $"cannot use {files.PathOf(HeadFile)}, which says how far the audit log is: {fault ?? "it is not a head"}");
        }
    }

    public void Keep(AuditPosition head) => files.Write(
        HeadFile,
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{head.Sequence} {Convert.ToHexStringLower(head.Hash)}")));

    private static AuditPosition? Read(ReadOnlySpan<byte> content)
    {
        string[] parts = Encoding.ASCII.GetString(content).Split(' ');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long sequence)
            && parts[1].Length == 2 * AuditPosition.Start.Hash.Length
                ? new AuditPosition(sequence, Convert.FromHexString(parts[1]))
                : null;
    }
}
