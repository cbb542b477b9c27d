namespace KmsSidecar.Keys;

/// <summary>How many keys of a backend are in which state.</summary>
/// <param name="PendingDeletion">Those whose deletion has begun too.</param>
/// <param name="Unknown">Their records have not been read yet, or are not kept.</param>
internal sealed record KeyCounts(int Enabled, int Disabled, int PendingDeletion, int Unknown);
