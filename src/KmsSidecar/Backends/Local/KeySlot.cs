using System.Collections.Immutable;

namespace KmsSidecar.Backends.Local;

/// <summary>The place of one key id in a <see cref="Keyring"/>: the files it has, and the key itself once it has been read.</summary>
/// <remarks>Whoever reads the files or changes them holds the slot's monitor; <see cref="Key"/> is read without it.</remarks>
internal sealed class KeySlot(string keyId, ImmutableArray<uint> versionFiles)
{
    private volatile LocalKey? _key;

    public string KeyId { get; } = keyId;

    /// <summary>Numbers of the <c>KEY_ID.vN</c> that there are, whether they open or not; ascending.</summary>
    public ImmutableArray<uint> VersionFiles { get; set; } = versionFiles;

    /// <summary>Null while it has not been read, or cannot be served.</summary>
    public LocalKey? Key
    {
        get => _key;
        set => _key = value;
    }

    /// <summary>Of its record when it was read last; Good while it has not been read.</summary>
    public KeyFileVerdict Verdict { get; set; }

    /// <summary>What the disk refused once it may give the next time; what is wrong inside the record stays wrong.</summary>
    public bool IsWorthReading => Verdict is KeyFileVerdict.Good or KeyFileVerdict.FileUnreadable;

    /// <summary>Its record was read at least once, whatever came of it.</summary>
    public bool IsChecked { get; set; }
}
