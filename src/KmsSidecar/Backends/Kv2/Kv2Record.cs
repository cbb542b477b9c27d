using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Kv2;

/// <summary>A key record as RustFS 1.0.0 writes it. Owns its material and its text, which is kept so that a rewrite changes nothing else.</summary>
internal sealed class Kv2Record(Kv2Content content, SecretBytes text) : IDisposable
{
    /// <summary>Longest that is read. Without description and tags it is below 1 KiB; the bound keeps a foreign record out.</summary>
    public const int MaxLength = 1024 * 1024;

    public Kv2Content Content => content;

    /// <summary>The JSON object as it came.</summary>
    public ReadOnlySpan<byte> Text => text.Span;

    public void Dispose()
    {
        content.Material.Dispose();
        text.Dispose();
    }
}
