using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;

namespace KmsSidecar.Backends.Transit;

/// <summary>Data keys that Transit has opened, for a limited time: RustFS asks for each object's key twice in a read.</summary>
/// <remarks>
/// <para>Thread-safe. What is kept is found by a hash under a key of this process, of all that Transit's answer depends on: ciphertext, key id
/// and context. Keys that were generated here never come in, and failures are not kept.</para>
/// <para>Values are wiped when they leave the cache and nobody reads them any more.</para>
/// </remarks>
internal sealed class OpenedDataKeys : IDisposable
{
    private readonly LeaseCache<Tag, SecretBytes> _opened;
    private readonly SecretBytes _hashKey = SecretBytes.Random(Tag.Length);

    public OpenedDataKeys(TransitSettings settings, TimeProvider clock)
    {
        int capacity = settings.CacheKeys ? settings.MaxCachedKeys : 0;
        _opened = new LeaseCache<Tag, SecretBytes>(capacity, settings.CacheLifetime, clock);
    }

    public CacheCounts Counts => _opened.Counts;

    /// <summary>What an envelope holds. The caller has judged the request's context already.</summary>
    /// <param name="open">Asks Transit; what it returns is taken over.</param>
    /// <returns>None with a lease, which the caller disposes; or the error.</returns>
    public ValueTask<(KmsError Error, Lease<SecretBytes> Lease)> GetAsync(
        Envelope envelope, Func<Envelope, Task<(KmsError Error, SecretBytes? Value)>> open, CancellationToken cancellation) =>
        _opened.GetAsync(TagOf(envelope), (envelope, open), static (_, state) => state.open(state.envelope), cancellation);

    public void Clear() => _opened.Clear();

    public void Dispose()
    {
        _opened.Dispose();
        _hashKey.Dispose();
    }

    /// <summary>Each part but the last has its length before it, so that no two envelopes give the same bytes.</summary>
    private Tag TagOf(Envelope envelope)
    {
        ReadOnlySpan<byte> context = envelope.Context.CanonicalBytes;
        int idLength = Encoding.UTF8.GetByteCount(envelope.MasterKeyId);
        int length = (2 * sizeof(int)) + idLength + envelope.EncryptedKey.Length + context.Length;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        Span<byte> rest = rented.AsSpan(0, length);
        BinaryPrimitives.WriteInt32LittleEndian(rest, idLength);
        Encoding.UTF8.GetBytes(envelope.MasterKeyId, rest[sizeof(int)..]);
        rest = rest[(sizeof(int) + idLength)..];
        BinaryPrimitives.WriteInt32LittleEndian(rest, envelope.EncryptedKey.Length);
        envelope.EncryptedKey.CopyTo(rest[sizeof(int)..]);
        context.CopyTo(rest[(sizeof(int) + envelope.EncryptedKey.Length)..]);

        Span<byte> hash = stackalloc byte[Tag.Length];
        HMACSHA256.HashData(_hashKey.Span, rented.AsSpan(0, length), hash);
        ArrayPool<byte>.Shared.Return(rented);
        return new Tag(
            BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]), BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]));
    }

    private readonly record struct Tag(ulong First, ulong Second, ulong Third, ulong Fourth)
    {
        public const int Length = 4 * sizeof(ulong);
    }
}
