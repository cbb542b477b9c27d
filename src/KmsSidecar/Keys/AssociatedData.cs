using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace KmsSidecar.Keys;

/// <summary>What a bound envelope authenticates beside its ciphertext. Not secret; the buffer is rented, so dispose of it.</summary>
/// <remarks>
/// <code>
/// offset  0  "kms-sidecar/bound-1" and one zero byte (20 bytes)
///        20  key version (u32, big-endian)
///        24  length of the key id in bytes (u32, big-endian)
///        28  key id (UTF-8)
///         …  canonical encryption context, to the end
/// </code>
/// Injective: every part before the context has a fixed length or one written in front of it, and the canonical form of a context is
/// itself injective, so two different (version, id, context) never give the same bytes. The label keeps them apart from everything
/// else that is authenticated under the same key: RustFS's form has nothing, or a context, which begins with a brace.
/// </remarks>
internal readonly ref struct AssociatedData
{
    private const int VersionOffset = 20;
    private const int KeyIdLengthOffset = VersionOffset + sizeof(uint);
    private const int KeyIdOffset = KeyIdLengthOffset + sizeof(uint);

    private readonly byte[] _rented;

    public AssociatedData(string keyId, uint keyVersion, EncryptionContext context)
    {
        int keyIdLength = Encoding.UTF8.GetByteCount(keyId);
        int length = KeyIdOffset + keyIdLength + context.CanonicalBytes.Length;
        _rented = ArrayPool<byte>.Shared.Rent(length);

        Span<byte> bytes = _rented.AsSpan(0, length);
        "kms-sidecar/bound-1\0"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[VersionOffset..], keyVersion);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[KeyIdLengthOffset..], (uint)keyIdLength);
        Encoding.UTF8.GetBytes(keyId, bytes[KeyIdOffset..]);
        context.CanonicalBytes.CopyTo(bytes[(KeyIdOffset + keyIdLength)..]);
        Bytes = bytes;
    }

    public ReadOnlySpan<byte> Bytes { get; }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_rented);
}
