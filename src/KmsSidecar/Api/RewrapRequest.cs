using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>The body of a rewrap: one envelope, or an array of them, all to go under one key.</summary>
internal sealed class RewrapRequest
{
    /// <summary>Envelopes in one request.</summary>
    public const int MaxItems = 64;

    private readonly SecretBuffer _blobs;
    private ImmutableArray<Item>? _items;
    private ReadOnlyMemory<byte>? _blob;
    private EncryptionContext? _context;

    private RewrapRequest(SecretBuffer blobs) => _blobs = blobs;

    /// <param name="Blob">The envelope's JSON.</param>
    /// <param name="Fault">Why there is no blob; the other items are not affected.</param>
    public readonly record struct Item(ReadOnlyMemory<byte> Blob, EncryptionContext Context, KmsException? Fault);

    /// <summary>Null to stay with each envelope's own key.</summary>
    public string? KeyId { get; private set; }

    /// <summary>It was an array, and is answered as one.</summary>
    public bool IsBatch => _items is not null;

    /// <summary>In the order in which they were sent; one when it was no array.</summary>
    public ImmutableArray<Item> Items => _items ?? [new Item(_blob!.Value, _context ?? EncryptionContext.Empty, Fault: null)];

    /// <param name="blobs">Receives the envelopes, which live as long as it does: as long as the body is, it need not grow.</param>
    public static RewrapRequest Read(ReadOnlySpan<byte> body, SecretBuffer blobs)
    {
        RewrapRequest request = new(blobs);
        if (!body.IsEmpty)
        {
            request.ReadMembers(new StrictObject(body));
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
