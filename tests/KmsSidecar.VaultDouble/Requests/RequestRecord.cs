namespace KmsSidecar.Doubles.Requests;

/// <summary>One request that has come in.</summary>
/// <param name="Path">Below <c>/v1/</c>, without the query.</param>
/// <param name="Headers">Without the token.</param>
/// <param name="BodySize">In bytes.</param>
/// <param name="BatchSize">Items of <c>batch_input</c>; 0 where there is none.</param>
/// <param name="Token">The first bytes of the token's SHA-256 in hexadecimal, to tell one from another; null for a request without.</param>
internal sealed record RequestRecord(
    string Method,
    string Path,
    string Query,
    IReadOnlyDictionary<string, string> Headers,
    int BodySize,
    int BatchSize,
    string? Token,
    DateTimeOffset At)
{
    private volatile int _status;

    /// <summary>0 until the answer is on its way, and for ever where none is sent.</summary>
    public int Status
    {
        get => _status;
        set => _status = value;
    }
}
