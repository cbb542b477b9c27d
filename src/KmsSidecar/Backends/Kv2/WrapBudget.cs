using System.Collections.Concurrent;
using System.Threading.Channels;
using KmsSidecar.Background;
using KmsSidecar.Errors;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Counts the wraps under each key, and reserves them in its record beforehand, in blocks, as RustFS does.</summary>
/// <remarks>
/// <para>So the record's number is an upper bound of the wraps of all processes since the last rotation. A process takes a block at its first wrap
/// of a version, and whenever one is used up.</para>
/// <para>A wrap never waits for it. What could not be reserved is owed, and comes with the next block. Thread-safe.</para>
/// </remarks>
internal sealed class WrapBudget : IAsyncDisposable
{
    /// <summary>Wraps that are reserved together.</summary>
    public const int BlockSize = 1_000_000;

    private readonly ConcurrentDictionary<string, Block> _blocks = new(StringComparer.Ordinal);
    private readonly Channel<Block> _due = Channel.CreateUnbounded<Block>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Func<string, uint, ulong, CancellationToken, Task> _reserve;
    private readonly BackgroundLoop _loop;

    /// <param name="reserve">Adds so many wraps of a version to a key's record; nothing where the key has another version by now.
    /// Throws <see cref="KmsException"/> when it cannot.</param>
    public WrapBudget(Func<string, uint, ulong, CancellationToken, Task> reserve)
    {
        _reserve = reserve;
        _loop = new BackgroundLoop(ReserveAsync);
        _loop.Start();
    }

    /// <summary>Counts one wrap.</summary>
    public void Spend(string keyId, uint version)
    {
        Block? block = _blocks.GetValueOrDefault(keyId);
        if (block is null || block.Version < version)
        {
            block = _blocks.AddOrUpdate(
                keyId, static (id, number) => new Block(id, number), static (id, held, number) => held.Version < number ? new Block(id, number) : held, version);
        }

        // What is still wrapped under a former version counts for nothing: the rotation has begun a new count.
        if (block.Version == version && block.TakeOne())
        {
            _due.Writer.TryWrite(block);
        }
    }

    /// <summary>A key is destroyed: another of its name begins anew.</summary>
    public void Forget(string keyId) => _blocks.TryRemove(keyId, out _);

    /// <summary>Returns when no reservation is under way any more.</summary>
    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private async Task ReserveAsync(CancellationToken cancellation)
    {
        await foreach (Block block in _due.Reader.ReadAllAsync(cancellation))
        {
            ulong owed = block.TakeOwed();
            try
            {
                await _reserve(block.KeyId, block.Version, owed, cancellation);
            }
            catch (KmsException)
            {
                block.Owe(owed);
            }
        }
    }

    /// <summary>What this process has reserved of one version.</summary>
    private sealed class Block(string keyId, uint version)
    {
        private long _left;
        private ulong _owed;

        public string KeyId => keyId;

        public uint Version => version;

        /// <summary>True when a block more is owed, which is to be reserved now.</summary>
        public bool TakeOne()
        {
            // Exactly one caller meets the end of each block.
            if (Interlocked.Decrement(ref _left) != -1)
            {
                return false;
            }

            Owe(BlockSize);
            Interlocked.Add(ref _left, BlockSize);
            return true;
        }

        public void Owe(ulong wraps) => Interlocked.Add(ref _owed, wraps);

        public ulong TakeOwed() => Interlocked.Exchange(ref _owed, 0);
    }
}
