namespace KmsSidecar.Doubles.Faults;

internal enum FaultKind
{
    /// <summary>No answer until the fault is cleared; then the request goes on as if nothing had been.</summary>
    Hang,

    /// <summary>The connection is reset before the request is carried out.</summary>
    Cut,

    /// <summary>The request is carried out and the connection reset instead of the answer.</summary>
    LoseAnswer,

    /// <summary>The request is carried out and the connection reset in the middle of the answer's body.</summary>
    CutInBody,

    /// <summary>The request is carried out and its answer comes one byte at a time, <see cref="Fault.Time"/> apart.</summary>
    Drip,

    /// <summary><see cref="Fault.Status"/> and <see cref="Fault.Body"/> instead of an answer.</summary>
    Answer,

    /// <summary>A body of <see cref="Fault.Size"/> bytes with status 200.</summary>
    Huge,

    /// <summary>307 to the same path at <see cref="Fault.Elsewhere"/>.</summary>
    Redirect,

    /// <summary>The request waits for <see cref="Fault.Time"/> and goes on.</summary>
    Delay,

    /// <summary>The request is carried out without its <c>associated_data</c>.</summary>
    IgnoreAssociatedData,

    /// <summary>The same for batches alone.</summary>
    IgnoreAssociatedDataInBatches,
}
