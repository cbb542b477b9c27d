using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>Reads a key record, with RustFS's verdicts in RustFS's order: version, protection, shape, key id, material.</summary>
/// <remarks>
/// One pass gathers the members and remembers what was wrong with them; the verdicts come after it, since a record of a later format may
/// well look malformed to this one. The material goes from the file's bytes to owned memory and is never a string.
/// </remarks>
internal ref struct KeyFileReader
{
    private readonly ReadOnlySpan<byte> _utf8;
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, byte[]>> _unknown = [];
    private Utf8JsonReader _json;
    private bool _malformed;

    private uint? _formatVersion;
    private AtRestProtection? _protection = AtRestProtection.LegacyUnspecified;
    private string? _keyId;
    private uint? _version;
    private string? _algorithm;
    private string? _usage;
    private KeyState? _state;
    private string? _description;
    private ImmutableArray<KeyValuePair<string, string>>? _metadata;
    private string? _createdAt;
    private string? _rotatedAt;
    private string? _createdBy;
    private string? _deletionDate;
    private uint? _firstVersion;
    private KeyState? _stateBeforeDeletion;
    private SecretBytes? _material;
    private bool _materialEmpty;
    private byte[]? _nonce;

    private KeyFileReader(ReadOnlySpan<byte> utf8)
    {
        _utf8 = utf8;
        _json = new Utf8JsonReader(utf8);
    }

    /// <param name="utf8">The file; may hold the key in plain, so the caller wipes it.</param>
    /// <param name="stem">The file's name without <c>.key</c>.</param>
    /// <param name="file">The caller's to dispose; null unless the verdict is Good.</param>
    public static KeyFileVerdict TryRead(ReadOnlySpan<byte> utf8, string stem, out KeyFile? file)
    {
        file = null;
        if (!Utf8.IsValid(utf8))
        {
            return KeyFileVerdict.MaterialCorrupt;
        }

        KeyFileReader reader = new(utf8);
        try
        {
            reader.ReadRecord();
            KeyFileVerdict verdict = reader.Judge(stem);
            if (verdict == KeyFileVerdict.Good)
            {
                file = reader.Build();
            }

            return verdict;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text with a lone surrogate, which the reader's accessors answer with InvalidOperationException.
            return KeyFileVerdict.MaterialCorrupt;
        }
        finally
        {
            if (file is null)
            {
                reader._material?.Dispose();
            }
        }
    }

    private readonly KeyFileVerdict Judge(string stem)
    {
        if (_formatVersion > KeyFile.FormatVersion)
        {
            return KeyFileVerdict.UnsupportedFormatVersion;
        }

        if (_protection is null)
        {
            return KeyFileVerdict.UnknownProtection;
        }

        bool complete = _keyId is not null && _version is not null && _algorithm is not null && _usage is not null && _state is not null
            && _metadata is not null && _createdAt is not null && _nonce is not null && _seen.Contains(KeyFileNames.Material);
        if (_malformed || !complete)
        {
            return KeyFileVerdict.MaterialCorrupt;
        }

        if (_keyId != stem)
        {
            return KeyFileVerdict.KeyIdMismatch;
        }

        if (_materialEmpty)
        {
            return KeyFileVerdict.MaterialMissing;
        }

        return _material is null ? KeyFileVerdict.MaterialCorrupt : KeyFileVerdict.Good;
    }

    private readonly KeyFile Build() => new()
    {
        KeyId = _keyId!,
        Version = _version!.Value,
        Algorithm = _algorithm!,
        Usage = _usage!,
        State = _state!.Value,
        Description = _description,
        Metadata = _metadata!.Value,
        CreatedAt = _createdAt!,
        RotatedAt = _rotatedAt,
        CreatedBy = _createdBy,
        DeletionDate = _deletionDate,
        FirstVersion = _firstVersion,
        StateBeforeDeletion = _stateBeforeDeletion,
        Material = _material!,
        Nonce = _nonce!,
        Protection = _protection!.Value,
        Unknown = [.. _unknown],
    };

    private void ReadRecord()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException();
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            string name = _json.GetString()!;
            _json.Read();
            if (!TryReadMember(name))
            {
                _unknown.Add(new(name, CopyValue()));
            }
            else if (!_seen.Add(name))
            {
                throw new JsonException();
            }
        }

        // Throws on anything but white space behind the record.
        _json.Read();
    }

    private bool TryReadMember(string name)
    {
        switch (name)
        {
            case KeyFileNames.FormatVersion: _formatVersion = ReadUInt32(); return true;
            case KeyFileNames.Protection: ReadProtection(); return true;
            case KeyFileNames.KeyId: _keyId = ReadText(); return true;
            case KeyFileNames.Version: _version = ReadUInt32(); return true;
            case KeyFileNames.Algorithm: _algorithm = ReadText(); return true;
            case KeyFileNames.Usage: ReadUsage(); return true;
            case KeyFileNames.Status: ReadState(); return true;
            case KeyFileNames.Description: _description = ReadTextOrNull(); return true;
            case KeyFileNames.Metadata: ReadMetadata(); return true;
            case KeyFileNames.CreatedAt: _createdAt = CheckTime(ReadText()); return true;
            case KeyFileNames.RotatedAt: _rotatedAt = CheckTime(ReadTextOrNull()); return true;
            case KeyFileNames.CreatedBy: _createdBy = ReadTextOrNull(); return true;
            case KeyFileNames.DeletionDate: _deletionDate = CheckTime(ReadTextOrNull()); return true;
            case KeyFileNames.FirstVersion: _firstVersion = ReadUInt32(); return true;
            case KeyFileNames.StateBeforeDeletion: _stateBeforeDeletion = ReadTextOrNull() is { } state ? KeyFileNames.StateOf(state) : null; return true;
            case KeyFileNames.Material: ReadMaterial(); return true;
            case KeyFileNames.Nonce: ReadNonce(); return true;
            default: return false;
        }
    }

    /// <summary>Null is malformed here, unlike elsewhere; any other value that is not known is a protection of the future.</summary>
    private void ReadProtection()
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            _malformed = true;
            return;
        }

        _protection = _json.TokenType == JsonTokenType.String ? KeyFileNames.ProtectionOf(_json.GetString()!) : null;
        _json.Skip();
    }

    private void ReadUsage()
    {
        _usage = ReadText();
        _malformed |= _usage is not (KeyFileNames.EncryptDecrypt or KeyFileNames.SignVerify);
    }

    private void ReadState()
    {
        _state = ReadText() is { } text ? KeyFileNames.StateOf(text) : null;
        _malformed |= _state is null;
    }

    private void ReadMetadata()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            Reject();
            return;
        }

        List<KeyValuePair<string, string>> entries = [];
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            string name = _json.GetString()!;
            _json.Read();
            if (ReadText() is { } value)
            {
                // The last of several wins, as in RustFS's map.
                entries.RemoveAll(entry => entry.Key == name);
                entries.Add(new(name, value));
            }
        }

        _metadata = [.. entries];
    }

    private void ReadMaterial()
    {
        if (_json.TokenType != JsonTokenType.String)
        {
            Reject();
            return;
        }

        // Base64 may legally come with escapes ("\/"); what they stand for is never longer.
        using SecretBytes text = SecretBytes.Allocate(_json.ValueSpan.Length);
        ReadOnlySpan<byte> base64 = text.Span[.._json.CopyString(text.Span)];
        _materialEmpty = base64.IsEmpty;
        using SecretBytes decoded = SecretBytes.Allocate(CanonicalBase64.MaxDecodedLength(base64.Length));
        if (!_materialEmpty && CanonicalBase64.TryDecode(base64, decoded.Span, out int length))
        {
            _material?.Dispose();
            _material = SecretBytes.CopyOf(decoded.Span[..length]);
        }
    }

    private void ReadNonce()
    {
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            Reject();
            return;
        }

        List<byte> nonce = [];
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType == JsonTokenType.Number && _json.TryGetByte(out byte value))
            {
                nonce.Add(value);
            }
            else
            {
                Reject();
            }
        }

        _nonce = [.. nonce];
    }

    private uint? ReadUInt32()
    {
        if (_json.TokenType == JsonTokenType.Number && _json.TryGetUInt32(out uint value))
        {
            return value;
        }

        Reject();
        return null;
    }

    private string? ReadTextOrNull() => _json.TokenType == JsonTokenType.Null ? null : ReadText();

    private string? ReadText()
    {
        if (_json.TokenType == JsonTokenType.String)
        {
            return _json.GetString();
        }

        Reject();
        return null;
    }

    private string? CheckTime(string? text)
    {
        _malformed |= text is not null && !ZonedTimestamp.TryParse(text, out _);
        return text;
    }

    private byte[] CopyValue()
    {
        int start = (int)_json.TokenStartIndex;
        _json.Skip();
        return _utf8[start..(int)_json.BytesConsumed].ToArray();
    }

    private void Reject()
    {
        _malformed = true;
        _json.Skip();
    }
}
