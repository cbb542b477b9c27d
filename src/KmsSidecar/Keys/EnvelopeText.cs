using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace KmsSidecar.Keys;

/// <summary>JSON strings in the one spelling that serde_json writes, which is what RustFS authenticates.</summary>
/// <remarks>
/// Escaped are <c>"</c>, <c>\</c> and U+0000 to U+001F, by letter (<c>\b \t \n \f \r</c>) or else as lower-case <c>\u00xx</c>;
/// nothing more. Written by hand because every encoder of the framework also escapes some of the rest, and in upper-case hex.
/// </remarks>
internal static class EnvelopeText
{
    /// <summary>Most bytes of JSON for one byte of text: <c>\u00xx</c>.</summary>
    public const int MaxExpansion = 6;

    private static readonly SearchValues<byte> Escaped =
        SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, ' ').Select(control => (byte)control)]);

    public static bool NeedsEscape(ReadOnlySpan<byte> utf8) => utf8.ContainsAny(Escaped);

    /// <summary>Bytes that <see cref="WriteQuoted"/> will write, with the quotes.</summary>
    public static int QuotedLength(ReadOnlySpan<byte> utf8)
    {
        int length = utf8.Length + 2;
        for (int at = utf8.IndexOfAny(Escaped); at >= 0; at = utf8.IndexOfAny(Escaped))
        {
            length += (ShortEscape(utf8[at]) == 0 ? MaxExpansion : 2) - 1;
            utf8 = utf8[(at + 1)..];
        }

        return length;
    }

    /// <param name="utf8">Valid UTF-8.</param>
    /// <param name="destination">At least <see cref="QuotedLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteQuoted(ReadOnlySpan<byte> utf8, Span<byte> destination)
    {
        int written = 0;
        destination[written++] = (byte)'"';
        for (int at = utf8.IndexOfAny(Escaped); at >= 0; at = utf8.IndexOfAny(Escaped))
        {
            utf8[..at].CopyTo(destination[written..]);
            written += at;
            written += WriteEscape(utf8[at], destination[written..]);
            utf8 = utf8[(at + 1)..];
        }

        utf8.CopyTo(destination[written..]);
        written += utf8.Length;
        destination[written++] = (byte)'"';
        return written;
    }

    /// <summary>The text of a name or string token as UTF-8.</summary>
    /// <remarks>The reader's own accessors throw on text that is not Unicode, and a caller of ours can send such text at will.</remarks>
    /// <param name="token">A name or string token of a reader over one contiguous buffer, so its escapes are well-formed.</param>
    /// <param name="destination">At least as long as the token: the text is never longer than its JSON.</param>
    /// <returns>False for invalid UTF-8 and for lone surrogates.</returns>
    public static bool TryUnescape(ReadOnlySpan<byte> token, Span<byte> destination, out int written)
    {
        written = 0;
        if (!Utf8.IsValid(token))
        {
            return false;
        }

        for (int at = token.IndexOf((byte)'\\'); at >= 0; at = token.IndexOf((byte)'\\'))
        {
            token[..at].CopyTo(destination[written..]);
            written += at;
            token = token[(at + 1)..];
            if (!TryReadEscape(ref token, out Rune rune))
            {
                return false;
            }

            written += rune.EncodeToUtf8(destination[written..]);
        }

        token.CopyTo(destination[written..]);
        written += token.Length;
        return true;
    }

    /// <summary>The bytes of the current name or string token, still escaped.</summary>
    public static ReadOnlySpan<byte> TokenOf(ref readonly Utf8JsonReader reader) =>
        reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;

    private static int WriteEscape(byte value, Span<byte> destination)
    {
        destination[0] = (byte)'\\';
        byte letter = ShortEscape(value);
        if (letter != 0)
        {
            destination[1] = letter;
            return 2;
        }

        "u00"u8.CopyTo(destination[1..]);
        destination[4] = "0123456789abcdef"u8[value >> 4];
        destination[5] = "0123456789abcdef"u8[value & 0xf];
        return MaxExpansion;
    }

    private static byte ShortEscape(byte value) => value switch
    {
        (byte)'"' or (byte)'\\' => value,
        (byte)'\b' => (byte)'b',
        (byte)'\t' => (byte)'t',
        (byte)'\n' => (byte)'n',
        (byte)'\f' => (byte)'f',
        (byte)'\r' => (byte)'r',
        _ => 0,
    };

    /// <summary>Reads past one escape (or two, for a surrogate pair), beginning after its backslash.</summary>
    private static bool TryReadEscape(ref ReadOnlySpan<byte> token, out Rune rune)
    {
        char unit = ReadUnit(ref token);
        if (!char.IsHighSurrogate(unit))
        {
            return Rune.TryCreate(unit, out rune);
        }

        if (!token.StartsWith("\\u"u8))
        {
            rune = default;
            return false;
        }

        token = token[1..];
        return Rune.TryCreate(unit, ReadUnit(ref token), out rune);
    }

    private static char ReadUnit(ref ReadOnlySpan<byte> token)
    {
        byte letter = token[0];
        token = token[1..];
        switch (letter)
        {
            case (byte)'u':
                ushort unit = ushort.Parse(token[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                token = token[4..];
                return (char)unit;
            case (byte)'b':
                return '\b';
            case (byte)'t':
                return '\t';
            case (byte)'n':
                return '\n';
            case (byte)'f':
                return '\f';
            case (byte)'r':
                return '\r';
            default:
                return (char)letter;
        }
    }
}
