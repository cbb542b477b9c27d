using System.Collections.Concurrent;

namespace KmsSidecar.Backends;

/// <summary>Ids that a short while ago were those of no key, so that nobody need ask again at once.</summary>
/// <remarks>Thread-safe, and bounded whatever is asked for.</remarks>
/// <param name="lifetime">Zero to remember nothing.</param>
internal sealed class AbsentKeys(TimeSpan lifetime, TimeProvider clock)
{
    private const int Capacity = 256;

    private readonly ConcurrentDictionary<string, long> _since = new(StringComparer.Ordinal);
    private long _epoch;

    /// <summary>To be taken before it is looked whether there is a key.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    public bool Contains(string keyId) => _since.TryGetValue(keyId, out long since) && clock.GetElapsedTime(since) < lifetime;

    /// <param name="epoch">From before the look: when a key was made since, it may be this one.</param>
    public void Add(string keyId, long epoch)
    {
        if (lifetime <= TimeSpan.Zero)
        {
            return;
        }

        if (_since.Count >= Capacity)
        {
            _since.Clear();
        }

        _since[keyId] = clock.GetTimestamp();
        if (epoch != Epoch)
        {
            _since.TryRemove(keyId, out _);
        }
    }

    public void Remove(string keyId)
    {
        Interlocked.Increment(ref _epoch);
        _since.TryRemove(keyId, out _);
    }

    public void Clear()
    {
        Interlocked.Increment(ref _epoch);
        _since.Clear();
    }
}
