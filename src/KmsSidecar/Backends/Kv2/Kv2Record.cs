using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Kv2;

/// <summary>A key record as RustFS 1.0.0 writes it. Owns its material and its text, which is kept so that a rewrite changes nothing else.</summary>
internal sealed class Kv2Record(Kv2Content content, SecretBytes text) : IDisposable
{
    public Kv2Content Content => content;

    /// <summary>The JSON object as it came.</summary>
    public ReadOnlySpan<byte> Text => text.Span;

    public void Dispose()
    {
        content.Material.Dispose();
        text.Dispose();
    }
}
