using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using KmsSidecar.Errors;

namespace KmsSidecar.Json;

/// <summary>Reads one JSON object member by member, and refuses whatever its reader did not ask for.</summary>
/// <remarks>
/// <para>Use: <c>while (members.Next()) { switch (members.Name) { case "key_id": id = members.Text(128); break; default: throw members.Unknown(); } }</c></para>
/// <para>Every fault is a <see cref="KmsException"/> with MalformedRequest that names the member by its path, or line and column where
/// the text is not JSON. Repeated names are refused: two parsers that disagree on which one counts are a way around a policy.</para>
/// <para>Bounds: the caller limits the bytes; depth <see cref="MaxDepth"/>; <see cref="MaxMembers"/> members in an object.</para>
/// </remarks>
internal ref struct StrictObject
{
    public const int MaxDepth = 8;

    /// <summary>More than any route takes; keeps the search for repeated names cheap.</summary>
    public const int MaxMembers = 64;

    private readonly ReadOnlySpan<byte> _text;
    private readonly string _prefix;
    private readonly bool _nested;
    private Utf8JsonReader _reader;
    private Names _seen;
    private int _seenCount;

    /// <summary>Index of the array item that the reader is on; -1 outside of one.</summary>
    private int _item = -1;

    /// <param name="utf8">A whole document: one object, nothing behind it.</param>
    public StrictObject(ReadOnlySpan<byte> utf8)
        : this(utf8, new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth }), prefix: "", nested: false)
    {
        Advance();
        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            throw JsonFaults.Fault($"a JSON object is expected, not {JsonFaults.NameOf(_reader.TokenType)}");
        }
    }

    /// <param name="prefix">What stands before a member's name in messages: <c>tags.</c> inside that member.</param>
    private StrictObject(ReadOnlySpan<byte> text, Utf8JsonReader reader, string prefix, bool nested)
    {
        _text = text;
        _reader = reader;
        _prefix = prefix;
        _nested = nested;
        Name = "";
    }

    /// <summary>The current member's name, unescaped.</summary>
    public string Name { get; private set; }

    /// <summary>The current member's value is <c>null</c>.</summary>
    public readonly bool IsNull => _reader.TokenType == JsonTokenType.Null;

    public readonly bool IsObject => _reader.TokenType == JsonTokenType.StartObject;

    public readonly bool IsArray => _reader.TokenType == JsonTokenType.StartArray;

    public readonly bool IsFlag => _reader.TokenType is JsonTokenType.True or JsonTokenType.False;

    /// <summary>Moves to the next member and onto its value; false at the end of the object.</summary>
    public bool Next()
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.EndObject)
        {
            if (!_nested)
            {
                EnsureNothingFollows();
            }

            return false;
        }

        Name = KnownOrNew();
        if (((ReadOnlySpan<string?>)_seen)[.._seenCount].Contains(Name))
        {
            throw JsonFaults.Fault($"member {Path} is given twice");
        }

        if (_seenCount == MaxMembers)
        {
            throw JsonFaults.Fault($"more than {MaxMembers} members");
        }

        _seen[_seenCount++] = Name;

        Advance();
        return true;
    }

    /// <summary>A string of at most <paramref name="maxLength"/> UTF-16 units.</summary>
    public readonly string Text(int maxLength)
    {
        Expect(JsonTokenType.String, "a string");
        string text = Unescape();
        return text.Length <= maxLength ? text : throw JsonFaults.Fault($"member {Path} is longer than {maxLength} characters");
    }

    /// <summary>As <see cref="Text"/>, for what comes again and again and is no secret: <see cref="KnownTexts"/>.</summary>
    public readonly string? KnownTextOrNull(int maxLength)
    {
        if (IsNull)
        {
            return null;
        }

        Expect(JsonTokenType.String, "a string");
        string text = KnownOrNew();
        return text.Length <= maxLength ? text : throw JsonFaults.Fault($"member {Path} is longer than {maxLength} characters");
    }

    public readonly string? TextOrNull(int maxLength) => IsNull ? null : Text(maxLength);

    public readonly bool Flag() => _reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw WrongType("true or false"),
    };

    /// <summary>A whole number in a range.</summary>
    public readonly long Number(long min, long max)
    {
        Expect(JsonTokenType.Number, "a number");
        return _reader.TryGetInt64(out long value) && value >= min && value <= max
            ? value
            : throw JsonFaults.Fault($"member {Path} must be a whole number from {min} to {max}");
    }

    /// <summary>A string's UTF-8 bytes, copied into a buffer that the caller owns and wipes. Returns the length.</summary>
    public readonly int TextBytes(Span<byte> destination)
    {
        Expect(JsonTokenType.String, "a string");
        try
        {
            return _reader.CopyString(destination);
        }
        catch (ArgumentException)
        {
            // The length counts without escapes, which the reader alone can tell.
            throw JsonFaults.Fault($"member {Path} is longer than {destination.Length} bytes");
        }
        catch (InvalidOperationException)
        {
            throw JsonFaults.Fault($"member {Path} is not valid Unicode");
        }
    }

    /// <summary>Decodes a base64 string (RFC 4648, padded) into a buffer that the caller owns and wipes. Returns the length.</summary>
    public readonly int Base64(Span<byte> destination) =>
        TryBase64(destination, out int length) ? length : throw JsonFaults.Fault($"member {Path} is longer than {destination.Length} bytes");

    /// <inheritdoc cref="Base64"/>
    /// <returns>False when the buffer is too short for it.</returns>
    public readonly bool TryBase64(Span<byte> destination, out int length)
    {
        Expect(JsonTokenType.String, "a base64 string");
        OperationStatus status = Base64Text.Decode(in _reader, destination, out length);
        return status == OperationStatus.Done
            || (status == OperationStatus.DestinationTooSmall ? false : throw JsonFaults.Fault($"member {Path} is not base64"));
    }

    /// <summary>An object whose values are all strings.</summary>
    public ImmutableSortedDictionary<string, string> TextMap(int maxEntries, int maxLength)
    {
        Expect(JsonTokenType.StartObject, "an object of strings");
        ImmutableSortedDictionary<string, string>.Builder map = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        StrictObject entries = new(_text, _reader, $"{Place}.", nested: true);
        while (entries.Next())
        {
            if (map.Count == maxEntries)
            {
                throw JsonFaults.Fault($"member {Path} has more than {maxEntries} entries");
            }

            map[entries.Name] = entries.Text(maxLength);
        }

        _reader = entries._reader;
        return map.ToImmutable();
    }

    /// <summary>An object; <paramref name="read"/> is called with a reader of its members, and reads until <see cref="Next"/> is false.</summary>
    public T Nested<T>(ItemReader<T> read)
    {
        Expect(JsonTokenType.StartObject, "an object");
        StrictObject members = new(_text, _reader, $"{Place}.", nested: true);
        T value = read(ref members);
        _reader = members._reader;
        return value;
    }

    /// <summary>An array; <paramref name="read"/> is called with this reader on each item.</summary>
    public ImmutableArray<T> Items<T>(int maxItems, ItemReader<T> read)
    {
        Expect(JsonTokenType.StartArray, "an array");
        ImmutableArray<T>.Builder items = ImmutableArray.CreateBuilder<T>();
        for (Advance(); _reader.TokenType != JsonTokenType.EndArray; Advance())
        {
            if (items.Count == maxItems)
            {
                _item = -1;
                throw JsonFaults.Fault($"member {Path} has more than {maxItems} items");
            }

            _item = items.Count;
            items.Add(read(ref this));
        }

        _item = -1;
        return items.ToImmutable();
    }

    public delegate T ItemReader<out T>(ref StrictObject item);

    /// <summary>The text of the current value, for a reader of its own.</summary>
    public ReadOnlySpan<byte> Raw()
    {
        int start = (int)_reader.TokenStartIndex;
        Skip();
        return _text[start..(int)_reader.BytesConsumed];
    }

    /// <summary>Hands the reader, on the current value, to a reader of one's own that leaves it on the value's last token.</summary>
    public delegate T ValueReader<out T>(ref Utf8JsonReader reader, out string? fault);

    public T Read<T>(ValueReader<T> read)
    {
        try
        {
            T value = read(ref _reader, out string? fault);
            return fault is null ? value : throw JsonFaults.Fault($"member {Path}: {fault}");
        }
        catch (JsonException malformed)
        {
            throw JsonFaults.Malformed(malformed);
        }
    }

    /// <summary>Passes over the current value, whatever it is.</summary>
    public void Skip()
    {
        try
        {
            _reader.Skip();
        }
        catch (JsonException malformed)
        {
            throw JsonFaults.Malformed(malformed);
        }
    }

    /// <summary>For the <c>default</c> branch: the current member is not one that this reader takes.</summary>
    public readonly KmsException Unknown() => JsonFaults.Fault($"member {Path} is unknown");

    /// <summary>A fault of the current member's value, in words that follow "member X".</summary>
    public readonly KmsException Refuse(string because) => JsonFaults.Fault($"member {Path} {because}");

    /// <summary>A fault of the object as a whole, such as a member that is missing, in words that follow its place.</summary>
    public readonly KmsException RefuseAll(string because) => JsonFaults.Fault(_prefix.Length == 0 ? because : $"member '{_prefix.TrimEnd('.')}' {because}");

    private readonly string Path => $"'{Place}'";

    private readonly string Place => _item < 0 ? $"{_prefix}{JsonFaults.Shorten(Name)}" : string.Create(CultureInfo.InvariantCulture, $"{_prefix}{JsonFaults.Shorten(Name)}[{_item}]");

    private readonly KmsException WrongType(string expected) =>
        JsonFaults.Fault($"member {Path} must be {expected}, not {JsonFaults.NameOf(_reader.TokenType)}");

    private readonly void Expect(JsonTokenType type, string expected)
    {
        if (_reader.TokenType != type)
        {
            throw WrongType(expected);
        }
    }

    private readonly string KnownOrNew()
    {
        if (_reader.ValueIsEscaped || _reader.HasValueSequence)
        {
            return Unescape();
        }

        return KnownTexts.Find(_reader.ValueSpan) ?? KnownTexts.Remember(_reader.ValueSpan, Unescape());
    }

    private readonly string Unescape()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Lone surrogates and invalid UTF-8: the reader checks neither until the text is asked for.
            throw JsonFaults.Fault("a string is not valid Unicode");
        }
    }

    private void Advance()
    {
        try
        {
            if (!_reader.Read())
            {
                throw JsonFaults.Fault("the JSON text ends too early");
            }
        }
        catch (JsonException malformed)
        {
            throw JsonFaults.Malformed(malformed);
        }
    }

    private void EnsureNothingFollows()
    {
        try
        {
            _reader.Read();
        }
        catch (JsonException malformed)
        {
            throw JsonFaults.Malformed(malformed);
        }
    }

    [InlineArray(MaxMembers)]
    private struct Names
    {
        private string? _first;
    }
}
