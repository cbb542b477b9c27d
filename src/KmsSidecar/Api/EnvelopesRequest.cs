using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>The body of a decrypt or a rewrap: one envelope, or an array of them.</summary>
internal sealed class EnvelopesRequest
{
    /// <summary>Envelopes in one request.</summary>
    public const int MaxItems = 64;

    private readonly SecretBuffer _blobs;
    private ImmutableArray<Item>? _items;
    private ReadOnlyMemory<byte>? _blob;
    private EncryptionContext? _context;

    private EnvelopesRequest(SecretBuffer blobs) => _blobs = blobs;

    /// <param name="Blob">The envelope's JSON.</param>
    /// <param name="Fault">Why there is no blob; the other items are not affected.</param>
    public readonly record struct Item(ReadOnlyMemory<byte> Blob, EncryptionContext Context, KmsException? Fault);

    /// <summary>The key to wrap under; null to stay with each envelope's own.</summary>
    public string? KeyId { get; private set; }

    /// <summary>It was an array, and is answered as one.</summary>
    public bool IsBatch => _items is not null;

    /// <summary>Those of an array, in the order in which they were sent.</summary>
    public ImmutableArray<Item> Items => _items!.Value;

    /// <summary>The one, when it was no array.</summary>
    public Item Single => new(_blob!.Value, _context ?? EncryptionContext.Empty, Fault: null);

    /// <param name="takesKeyId">For a decrypt, the envelope itself names its key.</param>
    /// <param name="blobs">Receives the envelopes, which live until it is cleared.</param>
    public static EnvelopesRequest Read(ReadOnlySpan<byte> body, bool takesKeyId, SecretBuffer blobs)
    {
        EnvelopesRequest request = new(blobs);
        blobs.Reserve(body.Length);
        if (!body.IsEmpty)
        {
            request.ReadMembers(new StrictObject(body));
        }

        if (request.KeyId is not null && !takesKeyId)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'key_id' is unknown: the blob itself names its key");
        }

        if (request._items is null == request._blob is null)
        {
            throw new KmsException(KmsError.MalformedRequest, "one of the members 'ciphertext_blob' and 'items' is needed");
        }

        if (request.IsBatch && request._context is not null)
        {
            throw new KmsException(KmsError.MalformedRequest, "member 'encryption_context' belongs in each of the items");
        }

        return request;
    }

    private void ReadMembers(StrictObject members)
    {
        while (members.Next())
        {
            switch (members.Name)
            {
                case "key_id":
                    KeyId = members.TextOrNull(KeyChangeRequest.MaxReferenceLength);
                    break;
                case "ciphertext_blob":
                    _blob = ReadBlob(ref members);
                    break;
                case "encryption_context":
                    _context = DataKeyRequest.ReadContext(ref members);
                    break;
                case "items":
                    _items = members.Items(MaxItems, (ref item) => item.Nested(ReadItem));
                    if (_items.Value.IsEmpty)
                    {
                        throw members.Refuse($"must have 1 to {MaxItems} items");
                    }

                    break;
                default:
                    throw members.Unknown();
            }
        }
    }

    private Item ReadItem(ref StrictObject members)
    {
        ReadOnlyMemory<byte>? blob = null;
        KmsException? fault = null;
        EncryptionContext context = EncryptionContext.Empty;
        while (members.Next())
        {
            switch (members.Name)
            {
                case "ciphertext_blob":
                    try
                    {
                        blob = ReadBlob(ref members);
                    }
                    catch (KmsException bad)
                    {
                        // The reader has not moved: what is wrong is this value alone.
                        fault = bad;
                    }

                    break;
                case "encryption_context":
                    context = DataKeyRequest.ReadContext(ref members);
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return blob is { } bytes
            ? new Item(bytes, context, Fault: null)
            : new Item(default, context, fault ?? new KmsException(KmsError.MalformedRequest, "member 'ciphertext_blob' is missing"));
    }

    private ReadOnlyMemory<byte> ReadBlob(ref StrictObject members)
    {
        int start = _blobs.WrittenSpan.Length;
        int length = members.Base64(_blobs.GetSpan(Math.Min(_blobs.FreeCapacity, Envelope.MaxUtf8Length)));
        _blobs.Advance(length);
        return _blobs.WrittenMemory.Slice(start, length);
    }
}
