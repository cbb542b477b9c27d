using System.Collections.Concurrent;
using System.Collections.Immutable;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends;

/// <summary>What is known of the keys of a store that others write too, beside the keys themselves: what cannot be served, and whose end comes.</summary>
/// <remarks>Thread-safe, and bounded whatever the store holds.</remarks>
/// <param name="report">Told each fault once.</param>
internal sealed class KeyNotes(Action<UnreadableKey> report)
{
    /// <summary>How many faults are listed, and reported: a store may have any number of names that are not for this.</summary>
    private const int MaxFaults = 256;

    private readonly ConcurrentDictionary<string, UnreadableKey> _faults = new(StringComparer.Ordinal);

    /// <summary>Faults that were reported, whether they are mended since or not.</summary>
    private readonly ConcurrentDictionary<UnreadableKey, byte> _told = new();
    private readonly ConcurrentDictionary<string, KeyDescription> _ending = new(StringComparer.Ordinal);

    public ImmutableArray<UnreadableKey> Unreadable => [.. _faults.Values.OrderBy(static fault => fault.Name, Utf8Order.Instance)];

    /// <summary>Keys whose deletion was scheduled or begun, as far as they were read.</summary>
    public IEnumerable<KeyDescription> Ending => _ending.Values;

    /// <summary>Something in the store cannot be served.</summary>
    /// <param name="name">Printable.</param>
    public void Report(string name, string reason)
    {
        UnreadableKey fault = new(name, reason);
        if (_faults.Count < MaxFaults || _faults.ContainsKey(name))
        {
            _faults[name] = fault;
        }

        if (_told.Count < MaxFaults && _told.TryAdd(fault, 0))
        {
            report(fault);
        }
    }

    /// <summary>What had a fault can be served, or is gone.</summary>
    public void Mended(string name) => _faults.TryRemove(name, out _);

    /// <summary>How a key is now.</summary>
    public void Note(KeyDescription key)
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

    /// <summary>There is no such key any more.</summary>
    public void Remove(string keyId)
    {
        _ending.TryRemove(keyId, out _);
        _faults.TryRemove(keyId, out _);
    }
}
