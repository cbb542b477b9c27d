namespace KmsSidecar.Keys;

/// <summary>How a data key is wrapped.</summary>
internal enum EnvelopeForm
{
    /// <summary>XAES-256-GCM; encryption context, key id and key version are authenticated.</summary>
    Bound,

    /// <summary>Byte-compatible with what RustFS writes for the backend.</summary>
    RustFs,
}
