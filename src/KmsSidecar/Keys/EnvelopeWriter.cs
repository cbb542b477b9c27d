using System.Buffers;
using System.Globalization;
using System.Text;

namespace KmsSidecar.Keys;

/// <summary>Writes an envelope without making one: compact JSON, in RustFS's order of members.</summary>
internal readonly ref struct EnvelopeWriter
{
    /// <summary>More than all names, punctuation, a version of ten digits and the form together.</summary>
    private const int MaxFrameLength = 256;

    /// <summary>Three digits and a comma.</summary>
    private const int MaxNumberLength = 4;

    public required ReadOnlySpan<char> DataKeyId { get; init; }

    public required ReadOnlySpan<char> MasterKeyId { get; init; }

    public required ReadOnlySpan<char> KeySpec { get; init; }

    public required ReadOnlySpan<byte> EncryptedKey { get; init; }

    public required ReadOnlySpan<byte> Nonce { get; init; }

    public required EncryptionContext Context { get; init; }

    public required ReadOnlySpan<char> CreatedAt { get; init; }

    /// <summary>Left out when null, as RustFS does.</summary>
    public required uint? MasterKeyVersion { get; init; }

    public required EnvelopeForm Form { get; init; }

    public void WriteTo(IBufferWriter<byte> output)
    {
        Span<byte> room = output.GetSpan(MaxLength);
        Span<byte> rest = room;
        Append(ref rest, """{"key_id":"""u8);
        AppendString(ref rest, DataKeyId);
        Append(ref rest, ""","master_key_id":"""u8);
        AppendString(ref rest, MasterKeyId);
        Append(ref rest, ""","key_spec":"""u8);
        AppendString(ref rest, KeySpec);
        Append(ref rest, ""","encrypted_key":"""u8);
        AppendNumbers(ref rest, EncryptedKey);
        Append(ref rest, ""","nonce":"""u8);
        AppendNumbers(ref rest, Nonce);
        Append(ref rest, ""","encryption_context":"""u8);
        Append(ref rest, Context.CanonicalBytes);
        Append(ref rest, ""","created_at":"""u8);
        AppendString(ref rest, CreatedAt);
        if (MasterKeyVersion is uint version)
        {
            Append(ref rest, ""","master_key_version":"""u8);
            AppendNumber(ref rest, version);
        }

        if (Form == EnvelopeForm.Bound)
        {
            Append(ref rest, ""","form":"""u8);
            AppendString(ref rest, Envelope.BoundMarker);
        }

        Append(ref rest, "}"u8);
        output.Advance(room.Length - rest.Length);
    }

    // A UTF-16 unit becomes at most three bytes of UTF-8, or one escape.
    private int MaxLength => MaxFrameLength
        + ((DataKeyId.Length + MasterKeyId.Length + KeySpec.Length + CreatedAt.Length) * EnvelopeText.MaxExpansion)
        + ((EncryptedKey.Length + Nonce.Length) * MaxNumberLength)
        + Context.CanonicalBytes.Length;

    private static void Append(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    private static void AppendString(ref Span<byte> rest, ReadOnlySpan<char> text)
    {
        int length = Encoding.UTF8.GetBytes(text, rest[1..]);
        ReadOnlySpan<byte> utf8 = rest.Slice(1, length);
        if (EnvelopeText.NeedsEscape(utf8))
        {
            // Only names that another program gave have anything to escape.
            utf8 = utf8.ToArray();
        }

        rest = rest[EnvelopeText.WriteQuoted(utf8, rest)..];
    }

    private static void AppendNumbers(ref Span<byte> rest, ReadOnlySpan<byte> values)
    {
        Append(ref rest, "["u8);
        for (int i = 0; i < values.Length; i++)
        {
            if (i > 0)
            {
                Append(ref rest, ","u8);
            }

            AppendByte(ref rest, values[i]);
        }

        Append(ref rest, "]"u8);
    }

    /// <summary>By hand: an envelope has some seventy of them.</summary>
    private static void AppendByte(ref Span<byte> rest, byte value)
    {
        int length = value switch { < 10 => 1, < 100 => 2, _ => 3 };
        for (int i = length - 1, left = value; i >= 0; i--, left /= 10)
        {
            rest[i] = (byte)('0' + (left % 10));
        }

        rest = rest[length..];
    }

    private static void AppendNumber(ref Span<byte> rest, uint value)
    {
        value.TryFormat(rest, out int written, provider: CultureInfo.InvariantCulture);
        rest = rest[written..];
    }
}
