using System.Globalization;
using System.Text;
using System.Text.Json;
using KmsSidecar.Crypto;

namespace KmsSidecar.Audit;

/// <summary>Writes the members of a line into a buffer that is long enough for any. It costs a fraction of what a JSON writer does.</summary>
internal ref struct LineBuilder(Span<byte> room)
{
    /// <summary>Longer text of a caller's is cut.</summary>
    private const int MaxTextChars = 256;

    private readonly Span<byte> _room = room;

    public int Length { get; private set; }

    public void Add(scoped ReadOnlySpan<byte> members)
    {
        members.CopyTo(_room[Length..]);
        Length += members.Length;
    }

    /// <param name="member">With its comma, quotes and colon, as in the other methods.</param>
    public void Add(scoped ReadOnlySpan<byte> member, long value)
    {
        Add(member);
        value.TryFormat(_room[Length..], out int written, default, CultureInfo.InvariantCulture);
        Length += written;
    }

    /// <summary>Writes nothing for null.</summary>
    public void Add(scoped ReadOnlySpan<byte> member, string? value)
    {
        if (value is null)
        {
            return;
        }

        Add(member);
        Add("\""u8);
        ReadOnlySpan<char> text = Cut(value);
        if (IsPlain(text))
        {
            Length += Encoding.ASCII.GetBytes(text, _room[Length..]);
        }
        else
        {
            // By way of UTF-8, which has a sign for what is no Unicode: no text of a caller's may stop the log.
            Add(JsonEncodedText.Encode(Encoding.UTF8.GetBytes(text.ToString())).EncodedUtf8Bytes);
        }

        Add("\""u8);
    }

    public void AddHex(scoped ReadOnlySpan<byte> member, scoped ReadOnlySpan<byte> bytes)
    {
        Add(member);
        Add("\""u8);
        LowerHex.Write(bytes, _room[Length..]);
        Length += 2 * bytes.Length;
        Add("\""u8);
    }

    /// <param name="ticks">UTC.</param>
    public void AddTime(scoped ReadOnlySpan<byte> member, long ticks)
    {
        const int ToMicroseconds = 26;
        Add(member);
        Add("\""u8);
        new DateTime(ticks, DateTimeKind.Utc).TryFormat(_room[Length..], out _, "O", CultureInfo.InvariantCulture);
        Length += ToMicroseconds;
        Add("Z\""u8);
    }

    /// <summary>Half a character could not be written.</summary>
    private static ReadOnlySpan<char> Cut(string text) => text.Length <= MaxTextChars ? text
        : text.AsSpan(0, char.IsHighSurrogate(text[MaxTextChars - 1]) ? MaxTextChars - 1 : MaxTextChars);

    /// <summary>Needs no escape in JSON.</summary>
    private static bool IsPlain(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '/' or ':' or '@' or ' '))
            {
                return false;
            }
        }

        return true;
    }
}
