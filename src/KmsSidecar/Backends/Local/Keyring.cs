using System.Collections.Concurrent;
using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>The keys of a directory by id: read when first used and kept, found without a lock, listed in byte order of their ids.</summary>
/// <remarks>Any number of readers beside one writer. An id that was neither listed at open nor added since is not looked for on disk.</remarks>
internal sealed class Keyring
{
    private readonly ConcurrentDictionary<string, KeySlot> _slots = new(StringComparer.Ordinal);

    /// <summary>Keys whose deletion was scheduled or begun.</summary>
    private readonly ConcurrentDictionary<string, KeyDescription> _ending = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, UnreadableKey> _faults = new(StringComparer.Ordinal);
    private readonly KeyLoader _loader;
    private readonly Action<UnreadableKey> _report;
    private readonly Action<string> _notice;
    private readonly Lock _order = new();

    /// <summary>Null until a listing or an addition asks for the order.</summary>
    private ImmutableSortedSet<string>? _ids;
    private int _unchecked;

    /// <param name="report">Told once of each file that cannot be used.</param>
    /// <param name="notice">Told what an operator should know.</param>
    public Keyring(IEnumerable<KeySlot> slots, KeyLoader loader, Action<UnreadableKey> report, Action<string> notice)
    {
        foreach (KeySlot slot in slots)
        {
            _slots[slot.KeyId] = slot;
            _unchecked++;
        }

        (_loader, _report, _notice) = (loader, report, notice);
    }

    /// <summary>How many have not been read yet.</summary>
    public int UncheckedCount => Volatile.Read(ref _unchecked);

    /// <summary>Those that can be served, and those that have not been read yet.</summary>
    public int Count => _slots.Values.Count(static slot => slot.Verdict == KeyFileVerdict.Good);

    public ImmutableArray<UnreadableKey> Unreadable => [.. _faults.Values.OrderBy(static fault => fault.Name, Utf8Order.Instance)];

    public IEnumerable<KeyDescription> Ending => _ending.Values;

    /// <summary>Without reading any file.</summary>
    public KeyCounts CountByState()
    {
        int[] counts = new int[(int)KeyState.Unavailable + 1];
        int unknown = 0;
        foreach (KeySlot slot in _slots.Values)
        {
            KeyDescription? known = slot.Key?.Description ?? _ending.GetValueOrDefault(slot.KeyId);
            if (known is not null)
            {
                counts[(int)known.State]++;
            }
            else if (slot.Verdict == KeyFileVerdict.Good)
            {
                unknown++;
            }
        }

        return new KeyCounts(
            counts[(int)KeyState.Enabled], counts[(int)KeyState.Disabled], counts[(int)KeyState.PendingDeletion] + counts[(int)KeyState.Unavailable], unknown);
    }

    /// <summary>In byte order.</summary>
    public ImmutableSortedSet<string> Ids
    {
        get
        {
            lock (_order)
            {
                return _ids ??= ImmutableSortedSet.CreateRange(Utf8Order.Instance, _slots.Keys);
            }
        }
    }

    public IEnumerable<string> UnorderedIds => _slots.Keys;

    public bool Holds(string keyId) => _slots.ContainsKey(keyId);

    public KeySlot? Find(string keyId) => _slots.GetValueOrDefault(keyId);

    /// <returns>None with the key; KeyNotFound; KeyDamaged.</returns>
    public KmsError TryGet(string keyId, out LocalKey? key)
    {
        key = null;
        if (!_slots.TryGetValue(keyId, out KeySlot? slot))
        {
            return KmsError.KeyNotFound;
        }

        key = slot.Key ?? Load(slot, keep: true).Key;
        return key is null ? KmsError.KeyDamaged : KmsError.None;
    }

    /// <summary>Reads a key that was not read yet and finds out what is wrong with it. Its material is kept in memory only if asked for.</summary>
    public KeyFileVerdict Check(string keyId, bool keep) =>
        _slots.TryGetValue(keyId, out KeySlot? slot) && slot.Key is null ? Load(slot, keep).Verdict : KeyFileVerdict.Good;

    /// <param name="marker">Exclusive; null from the start.</param>
    /// <remarks>A key that cannot be served takes its place in the page and is not in it, so a page may be short without being the last.</remarks>
    public KeyPage Page(string? marker, int limit)
    {
        ImmutableSortedSet<string> ids = Ids;
        int start = marker is null ? 0 : ids.IndexOf(marker) is var at && at >= 0 ? at + 1 : ~at;
        int count = Math.Clamp(ids.Count - start, 0, Math.Max(limit, 0));
        ImmutableArray<KeyDescription>.Builder page = ImmutableArray.CreateBuilder<KeyDescription>(count);
        for (int i = start; i < start + count; i++)
        {
            if (_slots.TryGetValue(ids[i], out KeySlot? slot) && (slot.Key?.Description ?? Load(slot, keep: false).Description) is { } description)
            {
                page.Add(description);
            }
        }

        bool more = count > 0 && start + count < ids.Count;
        return new KeyPage(page.ToImmutable(), more ? ids[start + count - 1] : null);
    }

    public void Add(LocalKey key)
    {
        KeySlot slot = new(key.Description.KeyId, []) { Key = key, IsChecked = true };
        if (!_slots.TryAdd(slot.KeyId, slot))
        {
            throw new ArgumentException("the keyring has this key", nameof(key));
        }

        lock (_order)
        {
            _ids = _ids?.Add(slot.KeyId);
        }
    }

    /// <summary>Puts another description of a key, or one with a version more, in the place of the former.</summary>
    public void Replace(KeySlot slot, LocalKey key)
    {
        slot.Key = key;
        NoteEnding(key.Description);
    }

    public void Remove(KeySlot slot)
    {
        _slots.TryRemove(slot.KeyId, out _);
        _ending.TryRemove(slot.KeyId, out _);
        foreach (uint version in slot.VersionFiles)
        {
            _faults.TryRemove(KeyVersionFile.NameOf(slot.KeyId, version), out _);
        }

        lock (_order)
        {
            _ids = _ids?.Remove(slot.KeyId);
        }
    }

    /// <summary>Zeroes all material; the last reader has gone.</summary>
    public void Wipe()
    {
        foreach (KeySlot slot in _slots.Values)
        {
            slot.Key?.Wipe();
        }
    }

    private (KeyFileVerdict Verdict, KeyDescription? Description, LocalKey? Key) Load(KeySlot slot, bool keep)
    {
        lock (slot)
        {
            if (slot.Key is not null || !slot.IsWorthReading)
            {
                return (slot.Verdict, slot.Key?.Description, slot.Key);
            }

            LoadedKey loaded = _loader.Load(slot.KeyId, slot.VersionFiles);
            Note(slot, loaded);
            if (!keep)
            {
                loaded.Key?.Wipe();
            }
            else
            {
                slot.Key = loaded.Key;
            }

            return (loaded.Verdict, loaded.Key?.Description, slot.Key);
        }
    }

    private void Note(KeySlot slot, LoadedKey loaded)
    {
        foreach (UnreadableKey fault in loaded.Faults)
        {
            if (_faults.TryAdd(fault.Name, fault))
            {
                _report(fault);
            }
        }

        slot.Verdict = loaded.Verdict;
        if (loaded.Key is not null)
        {
            _faults.TryRemove(KeyDirectory.FileNameOf(slot.KeyId), out _);
            NoteEnding(loaded.Key.Description);
        }

        if (!slot.IsChecked)
        {
            slot.IsChecked = true;
            Interlocked.Decrement(ref _unchecked);
            if (loaded.IsPlaintext)
            {
                _notice($"the material in {KeyDirectory.FileNameOf(slot.KeyId)} is not encrypted; whoever reads the file has the key");
            }
        }
    }

    private void NoteEnding(KeyDescription key)
    {
        if (key.State is KeyState.PendingDeletion or KeyState.Unavailable)
        {
            _ending[key.KeyId] = key;
        }
        else
        {
            _ending.TryRemove(key.KeyId, out _);
        }
    }
}
