using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Kv2;

/// <summary>A key as it is kept: its description, and its newest version open. Owns that.</summary>
internal sealed class Kv2Key(Kv2Content content) : IDisposable
{
    private readonly uint? _baseline = content.Baseline;

    public KeyDescription Description { get; } = content.Description;

    /// <summary>The newest version.</summary>
    public AeadKey Newest { get; } = AeadKey.From(content.Material.Span);

    /// <summary>The version that an envelope was wrapped under, by RustFS's rule: what it says, else the first that was rotated away from.</summary>
    public uint VersionOf(Envelope envelope) => envelope.MasterKeyVersion ?? _baseline ?? Description.Version;

    public void Dispose() => Newest.Dispose();
}
