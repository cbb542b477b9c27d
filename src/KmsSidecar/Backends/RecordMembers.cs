using System.Text.Json;
using System.Text.Unicode;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends;

/// <summary>Reads the members of a JSON object one after the other, as strictly as RustFS, and remembers the first that is wrong.</summary>
/// <remarks>Members that nobody knows are to be passed over with <see cref="Skip"/>. What is wrong never quotes a value, which may be secret.
/// The accessors throw <see cref="JsonException"/> or <see cref="InvalidOperationException"/> on what is not JSON or not Unicode.</remarks>
internal ref struct RecordMembers
{
    /// <summary>Longest record that is read. Without description and tags it is below 1 KiB; the bound keeps a foreign record out.</summary>
    public const int MaxLength = 1024 * 1024;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;

    /// <param name="utf8">One that is too long, or not UTF-8, has a fault from the beginning, and no members.</param>
    public RecordMembers(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxLength || !Utf8.IsValid(utf8))
        {
            Fault = "it is too long, or not UTF-8";
            return;
        }

        _json = new Utf8JsonReader(utf8);
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            Fault = "it is not an object";
        }
    }

    public string Name { get; private set; } = "";

    /// <summary>Null while all is well.</summary>
    public string? Fault { get; private set; }

    /// <summary>Moves to the next member. False at the end, and at the first fault.</summary>
    public bool Next()
    {
        if (Fault is not null)
        {
            return false;
        }

        if (!_json.Read() || _json.TokenType != JsonTokenType.PropertyName)
        {
            // Throws on anything but white space behind the object.
            _json.Read();
            return false;
        }

        Name = _json.GetString()!;
        _json.Read();
        return true;
    }

    /// <summary>Notes that the current member is one that is known: it may come only once.</summary>
    public void Know()
    {
        if (!_seen.Add(Name))
        {
            Refuse("comes twice");
        }
    }

    /// <summary>To be asked after the last member.</summary>
    public void Require(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (!_seen.Contains(name))
            {
                Fault ??= $"member '{name}' is missing";
            }
        }
    }

    public void Skip() => _json.Skip();

    public uint UInt32()
    {
        if (_json.TokenType == JsonTokenType.Number && _json.TryGetUInt32(out uint value))
        {
            return value;
        }

        Refuse("is not a number of 32 bits");
        return 0;
    }

    public uint? UInt32OrNull() => IsNull ? null : UInt32();

    public ulong UInt64()
    {
        if (_json.TokenType == JsonTokenType.Number && _json.TryGetUInt64(out ulong value))
        {
            return value;
        }

        Refuse("is not a number of 64 bits");
        return 0;
    }

    public string Text()
    {
        if (_json.TokenType == JsonTokenType.String)
        {
            return _json.GetString()!;
        }

        Refuse("is not a string");
        return "";
    }

    public string? TextOrNull() => IsNull ? null : Text();

    /// <summary>What a key is for, in RustFS's spelling.</summary>
    public string Usage()
    {
        string usage = Text();
        if (usage is not (KeyFileNames.EncryptDecrypt or KeyFileNames.SignVerify))
        {
            Refuse("is no usage that is known");
        }

        return usage;
    }

    /// <param name="stateOf">The record's spelling of states.</param>
    public KeyState State(Func<string, KeyState?> stateOf)
    {
        if (stateOf(Text()) is { } state)
        {
            return state;
        }

        Refuse("is no state that is known");
        return default;
    }

    /// <summary>Null also for a state that is not known.</summary>
    /// <inheritdoc cref="State"/>
    public KeyState? StateOrNull(Func<string, KeyState?> stateOf) => TextOrNull() is { } state ? stateOf(state) : null;

    /// <summary>A timestamp that RustFS's strict parser takes: with a zone in brackets. The zone is not looked up.</summary>
    public string Time()
    {
        string text = Text();
        if (Fault is null && !(text.EndsWith(']') && ZonedTimestamp.TryParse(text, out _)))
        {
            Refuse("is not a time with its zone in brackets, such as 2026-01-01T00:00:00+00:00[UTC]");
        }

        return text;
    }

    public string? TimeOrNull() => IsNull ? null : Time();

    /// <summary>An object of strings; of several entries of one name the last counts, as in RustFS's map.</summary>
    public Dictionary<string, string> Texts()
    {
        Dictionary<string, string> entries = new(StringComparer.Ordinal);
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            Refuse("is not an object of strings");
            return entries;
        }

        while (Fault is null && _json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            string name = _json.GetString()!;
            _json.Read();
            entries[name] = Text();
        }

        return entries;
    }

    /// <summary>An object of whatever is in it.</summary>
    public void Object()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            Refuse("is not an object");
        }

        _json.Skip();
    }

    /// <summary>A key of 32 bytes as base64, which never becomes a string.</summary>
    /// <returns>The caller's to dispose; null at a fault.</returns>
    public SecretBytes? Material()
    {
        if (_json.TokenType != JsonTokenType.String)
        {
            Refuse("is not a string");
            return null;
        }

        // Base64 may legally come with escapes ("\/"); what they stand for is never longer.
        using SecretBytes text = SecretBytes.Allocate(_json.ValueSpan.Length);
        ReadOnlySpan<byte> base64 = text.Span[.._json.CopyString(text.Span)];
        if (base64.IsEmpty)
        {
            Refuse("is empty: the key is lost here");
            return null;
        }

        using SecretBytes decoded = SecretBytes.Allocate(CanonicalBase64.MaxDecodedLength(base64.Length));
        if (CanonicalBase64.TryDecode(base64, decoded.Span, out int length) && length == AeadKey.KeyLength)
        {
            return SecretBytes.CopyOf(decoded.Span[..length]);
        }

        Refuse($"is not the base64 of {AeadKey.KeyLength} bytes");
        return null;
    }

    /// <summary>Notes a fault of the current member, in words that follow its name.</summary>
    public void Refuse(string because) => Fault ??= $"member '{Name}' {because}";

    private readonly bool IsNull => _json.TokenType == JsonTokenType.Null;
}
