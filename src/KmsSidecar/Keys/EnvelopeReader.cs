using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace KmsSidecar.Keys;

/// <summary>Reads envelopes as strictly as RustFS: known members once and of their type, others ignored, no trailing bytes.</summary>
internal ref struct EnvelopeReader
{
    /// <summary>serde_json's own limit, so that what RustFS can read is read here.</summary>
    private const int MaxDepth = 128;

    private readonly Span<byte> _scratch;
    private Utf8JsonReader _json;
    private EnvelopeMembers _seen;
    private string? _dataKeyId;
    private string? _masterKeyId;
    private string? _keySpec;
    private string? _createdAt;
    private byte[]? _encryptedKey;
    private byte[]? _nonce;
    private EncryptionContext? _context;
    private uint? _masterKeyVersion;

    /// <param name="scratch">As long as the input: no text and no array of numbers is longer than its JSON.</param>
    private EnvelopeReader(ReadOnlySpan<byte> utf8, Span<byte> scratch)
    {
        _json = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        _scratch = scratch;
    }

    /// <summary>A bound envelope without the version of its key cannot be opened by anyone.</summary>
    private readonly bool IsFormComplete => !_seen.HasFlag(EnvelopeMembers.Form) || _masterKeyVersion is not null;

    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out Envelope? envelope) =>
        TryRead(utf8, decode: true, out envelope) && envelope is not null;

    /// <summary>Whether the seven names are there, each once. Their values are looked at only as far as JSON goes.</summary>
    public static bool IsEnvelope(ReadOnlySpan<byte> utf8) => TryRead(utf8, decode: false, out _);

    private static bool TryRead(ReadOnlySpan<byte> utf8, bool decode, out Envelope? envelope)
    {
        envelope = null;
        if (utf8.Length > Envelope.MaxUtf8Length || !Utf8.IsValid(utf8))
        {
            return false;
        }

        byte[] scratch = ArrayPool<byte>.Shared.Rent(utf8.Length);
        try
        {
            EnvelopeReader reader = new(utf8, scratch);
            if (!reader.TryReadObject(decode))
            {
                return false;
            }

            envelope = decode ? reader.Assemble() : null;
            return true;
        }
        catch (JsonException)
        {
            // The framework's reader has no other way to say that its input is not JSON.
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private bool TryReadObject(bool decode)
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (!TryReadName(out EnvelopeMembers member))
            {
                return false;
            }

            bool significant = decode || EnvelopeMembers.Required.HasFlag(member);
            if (significant && (_seen & member) != 0)
            {
                return false;
            }

            _seen |= member;
            if (!decode || member == EnvelopeMembers.None)
            {
                _json.Skip();
            }
            else if (!TryReadValue(member))
            {
                return false;
            }
        }

        // At the end of the input Read is false; on anything but white space it throws.
        return !_json.Read() && _seen.HasFlag(EnvelopeMembers.Required) && (!decode || IsFormComplete);
    }

    private bool TryReadName(out EnvelopeMembers member)
    {
        member = EnvelopeMembers.None;
        if (!EnvelopeText.TryUnescape(_json.ValueSpan, _scratch, out int length))
        {
            return false;
        }

        member = Identify(_scratch[..length]);
        return true;
    }

    private static EnvelopeMembers Identify(ReadOnlySpan<byte> name) => name switch
    {
        _ when name.SequenceEqual("key_id"u8) => EnvelopeMembers.KeyId,
        _ when name.SequenceEqual("master_key_id"u8) => EnvelopeMembers.MasterKeyId,
        _ when name.SequenceEqual("key_spec"u8) => EnvelopeMembers.KeySpec,
        _ when name.SequenceEqual("encrypted_key"u8) => EnvelopeMembers.EncryptedKey,
        _ when name.SequenceEqual("nonce"u8) => EnvelopeMembers.Nonce,
        _ when name.SequenceEqual("encryption_context"u8) => EnvelopeMembers.EncryptionContext,
        _ when name.SequenceEqual("created_at"u8) => EnvelopeMembers.CreatedAt,
        _ when name.SequenceEqual("master_key_version"u8) => EnvelopeMembers.MasterKeyVersion,
        _ when name.SequenceEqual("form"u8) => EnvelopeMembers.Form,
        _ => EnvelopeMembers.None,
    };

    private bool TryReadValue(EnvelopeMembers member)
    {
        _json.Read();
        return member switch
        {
            EnvelopeMembers.KeyId => TryReadString(out _dataKeyId),
            EnvelopeMembers.MasterKeyId => TryReadString(out _masterKeyId),
            EnvelopeMembers.KeySpec => TryReadString(out _keySpec),
            EnvelopeMembers.EncryptedKey => TryReadBytes(out _encryptedKey),
            EnvelopeMembers.Nonce => TryReadBytes(out _nonce),
            EnvelopeMembers.EncryptionContext =>
                _json.TokenType == JsonTokenType.StartObject && EncryptionContext.TryRead(ref _json, out _context, out _),
            EnvelopeMembers.CreatedAt => TryReadString(out _createdAt),
            EnvelopeMembers.MasterKeyVersion => TryReadVersion(),
            _ => TryReadString(out string? form) && form == Envelope.BoundMarker,
        };
    }

    private bool TryReadString([NotNullWhen(true)] out string? text)
    {
        text = null;
        if (_json.TokenType != JsonTokenType.String || !EnvelopeText.TryUnescape(_json.ValueSpan, _scratch, out int length))
        {
            return false;
        }

        text = Encoding.UTF8.GetString(_scratch[..length]);
        return true;
    }

    private bool TryReadBytes([NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        int length = 0;
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetByte(out _scratch[length++]))
            {
                return false;
            }
        }

        bytes = _scratch[..length].ToArray();
        return true;
    }

    private bool TryReadVersion()
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        if (_json.TokenType != JsonTokenType.Number || !_json.TryGetUInt32(out uint version))
        {
            return false;
        }

        _masterKeyVersion = version;
        return true;
    }

    private readonly Envelope Assemble() => new()
    {
        DataKeyId = _dataKeyId!,
        MasterKeyId = _masterKeyId!,
        KeySpec = _keySpec!,
        EncryptedKey = _encryptedKey!,
        Nonce = _nonce!,
        Context = _context!,
        CreatedAt = _createdAt!,
        MasterKeyVersion = _masterKeyVersion,
        Form = _seen.HasFlag(EnvelopeMembers.Form) ? EnvelopeForm.Bound : EnvelopeForm.RustFs,
    };
}
