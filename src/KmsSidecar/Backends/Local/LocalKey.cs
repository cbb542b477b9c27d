using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>One key that can be served: its description, and an open key for each of its versions. Immutable: a change makes a new one,
/// which shares the open keys.</summary>
/// <param name="description">Its version is the one that new data keys use.</param>
/// <param name="versions">At least one, oldest first. The first is the one in <c>KEY_ID.key</c>, which is all that RustFS knows.</param>
internal sealed class LocalKey(KeyDescription description, ImmutableArray<LocalKeyVersion> versions)
{
    public KeyDescription Description { get; } = description;

    public ImmutableArray<LocalKeyVersion> Versions { get; } = versions;

    /// <summary>The version in <c>KEY_ID.key</c>. RustFS's form of an envelope does not name it.</summary>
    public LocalKeyVersion First => Versions[0];

    /// <summary>What new data keys are wrapped under.</summary>
    /// <returns>The state's refusal, or KeyDamaged when the file of that version is not there or does not open: an older version must not take
    /// its place unnoticed.</returns>
    public KmsError TryGetNewest(out LocalKeyVersion? newest)
    {
        newest = null;
        KmsError error = KeyRules.WhyNotWrapping(Description.State);
        if (error != KmsError.None)
        {
            return error;
        }

        newest = Find(Description.Version);
        return newest is null ? KmsError.KeyDamaged : KmsError.None;
    }

    /// <summary>The version that an envelope was wrapped under; null when this key has none such, or is being destroyed.</summary>
    public LocalKeyVersion? VersionOf(Envelope envelope)
    {
        if (Description.State == KeyState.Unavailable)
        {
            return null;
        }

        return envelope.MasterKeyVersion is { } number ? Find(number) : First;
    }

    public LocalKeyVersion? Find(uint number)
    {
        foreach (LocalKeyVersion version in Versions)
        {
            if (version.Number == number)
            {
                return version;
            }
        }

        return null;
    }

    public LocalKey With(KeyDescription changed) => new(changed, Versions);

    public LocalKey With(LocalKeyVersion added) => new(Description, [.. Versions.Add(added).OrderBy(static version => version.Number)]);

    /// <summary>Zeroes the material, which every description of this key shares.</summary>
    public void Wipe()
    {
        foreach (LocalKeyVersion version in Versions)
        {
            version.Key.Dispose();
        }
    }
}

/// <param name="CreatedAt">As in its file (<see cref="ZonedTimestamp"/>).</param>
internal sealed record LocalKeyVersion(uint Number, string CreatedAt, AeadKey Key);
