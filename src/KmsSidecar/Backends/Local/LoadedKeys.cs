using System.Collections.Frozen;
using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>What opening a key directory gives. The cipher and the keys are the receiver's to dispose.</summary>
/// <param name="NoneOpened">There are keys, but not one of them belongs to this master key.</param>
internal sealed record LoadedKeys(
    MaterialCipher Cipher, Keyring Keys, ImmutableArray<UnreadableKey> Unreadable, FrozenSet<string> UnreadableIds, bool NoneOpened)
{
    /// <param name="notices">Takes what an operator should know.</param>
    public static LoadedKeys Load(KeyDirectory directory, SecretBytes masterKey, List<string> notices)
    {
        List<StoredKeyFile> stored = directory.ReadAll();
        try
        {
            byte[] salt = directory.LoadSalt(stored, out bool created);
            if (created)
            {
                notices.Add($"made {Path.Join(directory.FullPath, KeyDirectory.SaltFile)}; it belongs into every backup of the keys");
            }

            MaterialCipher cipher = new(masterKey, salt);
            Keyring keys = new();
            try
            {
                return Open(stored, cipher, keys, masterKey, notices);
            }
            catch
            {
                keys.Dispose();
                cipher.Dispose();
                throw;
            }
        }
        finally
        {
            stored.ForEach(file => file.Dispose());
        }
    }

    private static LoadedKeys Open(
        List<StoredKeyFile> stored, MaterialCipher cipher, Keyring keys, SecretBytes masterKey, List<string> notices)
    {
        ImmutableArray<UnreadableKey>.Builder unreadable = ImmutableArray.CreateBuilder<UnreadableKey>();
        List<string> unreadableIds = [];
        bool foreign = false;
        foreach (StoredKeyFile file in stored.OrderBy(file => file.Stem, Utf8Order.Instance))
        {
            AeadKey? key = null;
            KeyFileVerdict verdict = file.Record is { } record ? cipher.TryOpen(record, masterKey, out key) : file.Verdict;
            if (key is null)
            {
                foreign |= verdict == KeyFileVerdict.MaterialAuthenticationFailed;
                unreadable.Add(new UnreadableKey(file.FileName, file.Record is null ? file.Reason : verdict.Sentence()));
                unreadableIds.Add(file.Stem);
                continue;
            }

            if (file.Record!.IsPlaintext)
            {
                notices.Add($"the material in {file.FileName} is not encrypted; whoever reads the file has the key");
            }

            keys.Add(new LocalKey(file.Record.Describe(), [new LocalKeyVersion(file.Record.Version, key)]));
        }

        FrozenSet<string> ids = unreadableIds.ToFrozenSet(StringComparer.Ordinal);
        return new LoadedKeys(cipher, keys, unreadable.ToImmutable(), ids, NoneOpened: foreign && keys.Count == 0);
    }
}
