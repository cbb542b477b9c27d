using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace KmsSidecar.Keys;

/// <summary>Writes an envelope without making one: compact JSON, in RustFS's order of members.</summary>
internal readonly ref struct EnvelopeWriter
{
    /// <summary>More than all names, punctuation, a version of ten digits and the form together.</summary>
    private const int MaxFrameLength = 256;

    /// <summary>Three digits and a comma.</summary>
    private const int MaxNumberLength = sizeof(uint);

    /// <summary>Each byte as a number and a comma, to be written little-endian. An envelope has some seventy of them, and none is secret.</summary>
    private static readonly uint[] Numbers =
        [.. Enumerable.Range(0, 256).Select(static value => BinaryPrimitives.ReadUInt32LittleEndian(Encoding.ASCII.GetBytes($"{value},\0\0\0")))];

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
            rest = rest[EnvelopeText.WriteQuoted(utf8.ToArray(), rest)..];
            return;
        }

        rest[0] = rest[length + 1] = (byte)'"';
        rest = rest[(length + 2)..];
    }

    private static void AppendNumbers(ref Span<byte> rest, ReadOnlySpan<byte> values)
    {
        Append(ref rest, "["u8);
        int written = 0;
        foreach (byte value in values)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest[written..], Numbers[value]);
            written += LengthOf(value);
        }

        // In the place of the last comma.
        int end = Math.Max(written - 1, 0);
        rest[end] = (byte)']';
        rest = rest[(end + 1)..];
    }

    /// <summary>Digits and comma. Without a branch, which random bytes would have mispredicted every third time.</summary>
    private static int LengthOf(uint value) => 2 + unchecked((int)((9 - value) >> 31) + (int)((99 - value) >> 31));

    private static void AppendNumber(ref Span<byte> rest, uint value)
    {
        value.TryFormat(rest, out int written, provider: CultureInfo.InvariantCulture);
        rest = rest[written..];
    }
}
