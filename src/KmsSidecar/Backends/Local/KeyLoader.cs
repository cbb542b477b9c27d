using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>What reading a key's files gave.</summary>
/// <param name="Verdict">Of its record.</param>
/// <param name="Key">The receiver's; null unless the verdict is Good.</param>
/// <param name="Faults">Files that cannot be used, the record's own among them.</param>
/// <param name="IsPlaintext">The record's material is not encrypted.</param>
internal readonly record struct LoadedKey(KeyFileVerdict Verdict, LocalKey? Key, ImmutableArray<UnreadableKey> Faults, bool IsPlaintext);

/// <summary>Opens the files of one key: its record, and the later versions beside it. Thread-safe.</summary>
internal sealed class KeyLoader(KeyDirectory directory, MaterialCipher cipher)
{
    /// <param name="versionFiles">Numbers of the version files that there are, ascending.</param>
    public LoadedKey Load(string keyId, ImmutableArray<uint> versionFiles)
    {
        using StoredKeyFile stored = directory.Read(keyId);
        if (stored.Record is not { } record)
        {
            return Unusable(stored, stored.Verdict, stored.Reason);
        }

        KeyFileVerdict verdict = cipher.TryOpen(record, out SecretBytes? first);
        if (first is null)
        {
            return Unusable(stored, verdict, verdict.Sentence());
        }

        using (first)
        {
            // Version files are numbered on from the first version, which old RustFS builds may have counted up. Files that are left of a
            // former key of this name may have any numbers, but a key's newest version is never below its first.
            uint firstNumber = record.FirstVersion ?? (versionFiles.IsEmpty ? record.Version : Math.Min(record.Version, versionFiles[0] - 1));
            ImmutableArray<LocalKeyVersion>.Builder versions = ImmutableArray.CreateBuilder<LocalKeyVersion>();
            ImmutableArray<UnreadableKey>.Builder faults = ImmutableArray.CreateBuilder<UnreadableKey>();
            versions.Add(new LocalKeyVersion(firstNumber, record.CreatedAt, AeadKey.From(first.Span)));
            foreach (uint number in versionFiles)
            {
                if (OpenVersion(keyId, number, first, faults) is { } version)
                {
                    versions.Add(version);
                }
            }

            LocalKey key = new(record.Describe(), versions.ToImmutable());
            if (record.State == KeyState.Unavailable)
            {
                // Being destroyed: that some of its files are gone is no fault.
                faults.Clear();
            }
            else
            {
                AddMissing(key, versionFiles, faults);
            }

            return new LoadedKey(KeyFileVerdict.Good, key, faults.ToImmutable(), record.IsPlaintext);
        }
    }

    /// <summary>Names the newest version if its file is not there, and the lowest of the others that are not.</summary>
    private static void AddMissing(LocalKey key, ImmutableArray<uint> versionFiles, ImmutableArray<UnreadableKey>.Builder faults)
    {
        (string keyId, uint newest) = (key.Description.KeyId, key.Description.Version);
        uint last = key.First.Number;
        foreach (uint number in versionFiles)
        {
            last = number == last + 1L ? number : last;
        }

        if (last < newest && newest - last > 1)
        {
            faults.Add(new UnreadableKey(
                KeyVersionFile.NameOf(keyId, last + 1), "an older version of the key is not there: what it wrapped does not open until the file is restored"));
        }

        if (key.Find(newest) is null && !versionFiles.Contains(newest))
        {
            faults.Add(new UnreadableKey(
                KeyVersionFile.NameOf(keyId, newest),
                "the key's newest version is not there: nothing is wrapped under the key until the file is restored; what older versions wrapped opens"));
        }
    }

    private LocalKeyVersion? OpenVersion(string keyId, uint number, SecretBytes first, ImmutableArray<UnreadableKey>.Builder faults)
    {
        using KeyVersionFile? file = directory.ReadVersion(keyId, number, out string? reason);
        using SecretBytes? material = file is null ? null : cipher.TryOpenVersion(file, first.Span);
        if (material is not null)
        {
            return new LocalKeyVersion(number, file!.CreatedAt, AeadKey.From(material.Span));
        }

        faults.Add(new UnreadableKey(
            KeyVersionFile.NameOf(keyId, number), reason ?? "the version does not open: it belongs to another key or master key, or it was changed"));
        return null;
    }

    private static LoadedKey Unusable(StoredKeyFile stored, KeyFileVerdict verdict, string reason) =>
        new(verdict, Key: null, [new UnreadableKey(stored.FileName, reason)], IsPlaintext: false);
}
