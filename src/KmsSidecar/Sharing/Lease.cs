namespace KmsSidecar.Sharing;

/// <summary>A use of a value, which lasts until this is disposed. To be disposed once; a default one has no value and need not be.</summary>
internal readonly struct Lease<TValue>(Shared<TValue> shared) : IDisposable
    where TValue : class, IDisposable
{
    /// <summary>Null in a default lease. Not to be used once the lease has ended.</summary>
    public TValue? Value => shared?.Value;

    public void Dispose() => shared?.Release();
}
