namespace KmsSidecar.Sharing;

/// <param name="Calls">That several callers shared, from the beginning.</param>
/// <param name="Items">Of those calls.</param>
/// <param name="Waiting">Callers that wait for a call now.</param>
internal sealed record CoalescingCounts(long Calls, long Items, int Waiting);
