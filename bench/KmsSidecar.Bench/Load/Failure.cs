namespace KmsSidecar.Bench.Load;

/// <summary>A request that got no data key.</summary>
/// <param name="At">Monotonic nanoseconds.</param>
/// <param name="Text">What came instead, for the person who reads the report.</param>
internal sealed record Failure(long At, string Text);
