using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>One key that can be served: its description, and an open key for each of its versions. Owns the keys.</summary>
/// <param name="versions">At least one, oldest first. The first is the one in <c>KEY_ID.key</c>, which is all that RustFS knows.</param>
internal sealed class LocalKey(KeyDescription description, ImmutableArray<LocalKeyVersion> versions) : IDisposable
{
    public KeyDescription Description { get; } = description;

    /// <summary>What new data keys are wrapped under.</summary>
    public LocalKeyVersion Newest => versions[^1];

    /// <summary>The version that an envelope was wrapped under; null when this key has none such.</summary>
    public LocalKeyVersion? VersionOf(Envelope envelope)
    {
        if (envelope.Form == EnvelopeForm.RustFs)
        {
            return versions[0];
        }

        foreach (LocalKeyVersion version in versions)
        {
            if (version.Number == envelope.MasterKeyVersion)
            {
                return version;
            }
        }

        return null;
    }

    public void Dispose()
    {
        foreach (LocalKeyVersion version in versions)
        {
            version.Key.Dispose();
        }
    }
}

internal sealed record LocalKeyVersion(uint Number, AeadKey Key);
