using System.Security.Cryptography;

namespace KmsSidecar.Auth;

/// <summary>What a signing key was derived from; the version stands for the secret.</summary>
internal readonly record struct SigningKeyId(string AccessKey, long SecretVersion, CredentialScope Scope);

/// <summary>The most recently used signing keys, in pinned memory that is wiped when a key leaves.</summary>
/// <remarks>Safe for concurrent use. Keys are copied in and out, so that wiping never pulls one from under a reader.</remarks>
internal sealed class SigningKeyCache(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SigningKeyId, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = [];

    /// <summary>Copies the key of <paramref name="id"/> to <paramref name="destination"/> (<see cref="SigningKey.Bytes"/> bytes).</summary>
    public bool TryGet(SigningKeyId id, Span<byte> destination)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(id, out LinkedListNode<Entry>? node))
            {
                return false;
            }

            _byUse.Remove(node);
            _byUse.AddFirst(node);
            node.Value.Key.CopyTo(destination);
            return true;
        }
    }

    /// <summary>Keeps a copy of <paramref name="key"/>; the one used longest ago makes room.</summary>
    public void Add(SigningKeyId id, ReadOnlySpan<byte> key)
    {
        lock (_lock)
        {
            if (_entries.ContainsKey(id))
            {
                return;
            }

            if (_entries.Count == capacity)
            {
                Remove(_byUse.Last!);
            }

            byte[] copy = GC.AllocateUninitializedArray<byte>(SigningKey.Bytes, pinned: true);
            key.CopyTo(copy);
            _entries.Add(id, _byUse.AddFirst(new Entry(id, copy)));
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            while (_byUse.Last is LinkedListNode<Entry> node)
            {
                Remove(node);
            }
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        CryptographicOperations.ZeroMemory(node.Value.Key);
        _byUse.Remove(node);
        _entries.Remove(node.Value.Id);
    }

    private readonly record struct Entry(SigningKeyId Id, byte[] Key);
}
