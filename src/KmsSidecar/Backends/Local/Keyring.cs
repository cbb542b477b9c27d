using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>The keys of a directory in memory: found by id without a lock, listed in byte order of their ids. Owns them.</summary>
/// <remarks>Any number of readers beside one writer.</remarks>
internal sealed class Keyring : IDisposable
{
    private readonly ConcurrentDictionary<string, LocalKey> _keys = new(StringComparer.Ordinal);
    private volatile ImmutableSortedSet<string> _ids = ImmutableSortedSet.Create<string>(Utf8Order.Instance);

    public int Count => _ids.Count;

    public bool TryGet(string keyId, [NotNullWhen(true)] out LocalKey? key) => _keys.TryGetValue(keyId, out key);

    public void Add(LocalKey key)
    {
        string id = key.Description.KeyId;
        if (!_keys.TryAdd(id, key))
        {
            throw new ArgumentException("the keyring has this key", nameof(key));
        }

        _ids = _ids.Add(id);
    }

    /// <param name="marker">Exclusive; null from the start.</param>
    public KeyPage Page(string? marker, int limit)
    {
        ImmutableSortedSet<string> ids = _ids;
        int start = marker is null ? 0 : ids.IndexOf(marker) is var at && at >= 0 ? at + 1 : ~at;
        int count = Math.Clamp(ids.Count - start, 0, Math.Max(limit, 0));
        ImmutableArray<KeyDescription>.Builder page = ImmutableArray.CreateBuilder<KeyDescription>(count);
        for (int i = start; i < start + count; i++)
        {
            page.Add(_keys[ids[i]].Description);
        }

        bool more = count > 0 && start + count < ids.Count;
        return new KeyPage(page.MoveToImmutable(), more ? ids[start + count - 1] : null);
    }

    public void Dispose()
    {
        foreach (LocalKey key in _keys.Values)
        {
            key.Dispose();
        }
    }
}
