using System.Collections.Immutable;
using System.Globalization;
using KmsSidecar.Errors;

namespace KmsSidecar.Audit;

/// <summary>Files of the log, named by the number of their first record, so that their names are in their order.</summary>
internal static class AuditFileNames
{
    private const string Prefix = "audit-";
    private const string Suffix = ".jsonl";
    private const int Digits = 19;

    public static string Of(long firstSequence) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{firstSequence:D19}{Suffix}");

    /// <summary>The public key that heads are checked with.</summary>
    public static string OfKey(string keyName) => $"key-{keyName}.pem";

    /// <summary>The number of the first record; null for any other file.</summary>
    public static long? FirstSequence(string name) =>
        name.Length == Prefix.Length + Digits + Suffix.Length
        && name.StartsWith(Prefix, StringComparison.Ordinal)
        && name.EndsWith(Suffix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(Prefix.Length, Digits), NumberStyles.None, CultureInfo.InvariantCulture, out long sequence)
            ? sequence
            : null;

    /// <summary>Those of a directory, the oldest first.</summary>
    public static ImmutableArray<string> In(string directory) => InOrder(Directory.GetFiles(directory).Select(static path => Path.GetFileName(path)));

    /// <summary>What becomes of a fault of a reader.</summary>
    public static KmsException Unreadable(Exception fault) => new(
        KmsError.StorageFailed,
        fault is UnauthorizedAccessException ? FaultCause.NoPermission : fault is DirectoryNotFoundException ? FaultCause.Missing : FaultCause.Disk,
        $"cannot read the audit log: {fault.Message}",
        fault);

    /// <summary>Those of a list that are part of the log, the oldest first.</summary>
    public static ImmutableArray<string> InOrder(IEnumerable<string> names) =>
        [.. names.Where(static name => FirstSequence(name) is not null).Order(StringComparer.Ordinal)];
}
