namespace KmsSidecar.Audit;

/// <summary>Something in the log that the daemon did not write like this.</summary>
/// <param name="File">Its name.</param>
/// <param name="Line">Counts from 1; 0 for the file as a whole.</param>
/// <param name="Sequence">Of the record in question, or of the first of them.</param>
/// <param name="Kind">changed, removed, moved, repeated, damaged, cut, rewritten, signature or key.</param>
internal sealed record AuditFault(string File, long Line, long Sequence, string Kind, string Message)
{
    public override string ToString() => Line == 0 ? $"{File}: {Kind}: {Message}" : $"{File}:{Line}: {Kind}: {Message}";
}
