using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace KmsSidecar.Keys;

/// <summary>Reads envelopes in the one spelling that <see cref="EnvelopeWriter"/> and RustFS write: compact, members and names of the
/// context in their order, nothing escaped.</summary>
/// <remarks>Refuses nothing: what is spelled otherwise, be it right or wrong, is for <see cref="EnvelopeReader"/>, which is several times
/// slower and gives the same envelope for what is taken here.</remarks>
internal ref struct CompactEnvelopeReader
{
    /// <summary>Longest text and array that is taken here: what was wrapped is a data key, by whichever backend.</summary>
    private const int MaxLength = 256;

    private ReadOnlySpan<byte> _rest;

    private CompactEnvelopeReader(ReadOnlySpan<byte> utf8) => _rest = utf8;

    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out Envelope? envelope)
    {
        CompactEnvelopeReader reader = new(utf8);
        return reader.TryRead(out envelope);
    }

    private bool TryRead([NotNullWhen(true)] out Envelope? envelope)
    {
        envelope = null;

        // Read to the end, whatever fails before: what is not there does not match, and everything is assigned.
        bool isRead = TryText("""{"key_id":"""u8, out string? dataKeyId)
            & TryText(""","master_key_id":"""u8, out string? masterKeyId)
            & TryText(""","key_spec":"""u8, out string? keySpec)
            & TryBytes(""","encrypted_key":["""u8, out byte[]? encryptedKey)
            & TryBytes(""","nonce":["""u8, out byte[]? nonce)
            & TryContext(out EncryptionContext? context)
            & TryText(""","created_at":"""u8, out string? createdAt);
        bool isVersioned = TryVersion(out uint version);
        bool isBound = isVersioned && TryTake(""","form":"bound-1"}"""u8);
        if (!isRead || !(isBound || TryTake("}"u8)) || !_rest.IsEmpty)
        {
            return false;
        }

        envelope = new Envelope
        {
            DataKeyId = dataKeyId!,
            MasterKeyId = masterKeyId!,
            KeySpec = keySpec!,
            EncryptedKey = encryptedKey!,
            Nonce = nonce!,
            Context = context!,
            CreatedAt = createdAt!,
            MasterKeyVersion = isVersioned ? version : null,
            Form = isBound ? EnvelopeForm.Bound : EnvelopeForm.RustFs,
        };
        return true;
    }

    private bool TryTake(ReadOnlySpan<byte> text)
    {
        bool isThere = _rest.StartsWith(text);
        _rest = isThere ? _rest[text.Length..] : _rest;
        return isThere;
    }

    private bool TryText(ReadOnlySpan<byte> name, out string? text)
    {
        bool isText = TryTake(name) & TryString(out ReadOnlySpan<byte> utf8);
        text = isText ? Encoding.UTF8.GetString(utf8) : null;
        return isText;
    }

    /// <summary>A string with its quotes, and no escape in it.</summary>
    private bool TryString(out ReadOnlySpan<byte> utf8)
    {
        utf8 = default;
        if (_rest.IsEmpty || _rest[0] != (byte)'"')
        {
            return false;
        }

        ReadOnlySpan<byte> text = _rest[1..];
        int end = text[..Math.Min(text.Length, MaxLength + 1)].IndexOf((byte)'"');
        if (end < 0 || EnvelopeText.NeedsEscape(text[..end]) || !Utf8.IsValid(text[..end]))
        {
            return false;
        }

        utf8 = text[..end];
        _rest = text[(end + 1)..];
        return true;
    }

    private bool TryBytes(ReadOnlySpan<byte> name, out byte[]? bytes)
    {
        bytes = null;
        if (!TryTake(name))
        {
            return false;
        }

        Span<byte> values = stackalloc byte[MaxLength];
        int length = 0;
        bool goesOn = !TryTake("]"u8);
        while (goesOn)
        {
            if (length == MaxLength || _rest.Length < sizeof(uint) || !TryByte(_rest, out values[length], out int digits)
                || _rest[digits] is not ((byte)',' or (byte)']'))
            {
                return false;
            }

            length++;
            goesOn = _rest[digits] == (byte)',';
            _rest = _rest[(digits + 1)..];
        }

        bytes = values[..length].ToArray();
        return true;
    }

    /// <summary>0 to 255, without a leading zero.</summary>
    /// <remarks>Without a branch on the number of digits, which random bytes would have mispredicted every third time.</remarks>
    /// <param name="text">At least four bytes.</param>
    private static bool TryByte(ReadOnlySpan<byte> text, out byte value, out int digits)
    {
        const uint High = 0x80808080;
        uint word = BinaryPrimitives.ReadUInt32LittleEndian(text);

        // The high bit of each byte that is no digit: below '0', or above '9', or beyond ASCII.
        uint others = ((((word | High) - 0x30303030) & High) ^ High) | (((word & ~High) + 0x46464646) & High) | (word & High);
        digits = BitOperations.TrailingZeroCount(others) / 8;
        if (digits is 0 or > 3)
        {
            value = 0;
            return false;
        }

        // As three digits, with zeros before.
        uint three = unchecked(word - 0x30303030) << (8 * (4 - digits));
        uint number = (((three >> 8) & 0xf) * 100) + (((three >> 16) & 0xf) * 10) + (three >> 24);
        value = unchecked((byte)number);
        return number <= byte.MaxValue && ((word & 0xff) != '0' || digits == 1);
    }

    /// <summary>An object of strings whose names are in their order: its spelling is the canonical one.</summary>
    private bool TryContext(out EncryptionContext? context)
    {
        context = null;
        ReadOnlySpan<byte> name = ""","encryption_context":"""u8;
        ReadOnlySpan<byte> start = _rest;
        if (!TryTake(name) || !TryTake("{"u8))
        {
            return false;
        }

        ReadOnlySpan<byte> former = default;
        bool isFirst = true;
        while (!TryTake("}"u8))
        {
            if (!(isFirst || TryTake(","u8)) || !TryString(out ReadOnlySpan<byte> key) || !TryTake(":"u8) || !TryString(out _)
                || !(isFirst || former.SequenceCompareTo(key) < 0))
            {
                return false;
            }

            former = key;
            isFirst = false;
        }

        ReadOnlySpan<byte> canonical = start[name.Length..^_rest.Length];
        if (canonical.Length > EncryptionContext.MaxCanonicalLength)
        {
            return false;
        }

        context = isFirst ? EncryptionContext.Empty : new EncryptionContext(canonical.ToArray());
        return true;
    }

    private bool TryVersion(out uint version)
    {
        version = 0;
        ReadOnlySpan<byte> before = _rest;
        if (TryTake(""","master_key_version":"""u8) && TryDigits(out version))
        {
            return true;
        }

        _rest = before;
        return false;
    }

    /// <summary>A number of up to nine digits, which is always one of 32 bits.</summary>
    private bool TryDigits(out uint number)
    {
        number = 0;
        int digits = 0;
        while (digits < _rest.Length && digits < 9 && char.IsAsciiDigit((char)_rest[digits]))
        {
            number = (number * 10) + (uint)(_rest[digits] - '0');
            digits++;
        }

        bool isNumber = digits > 0 && (digits == 1 || _rest[0] != (byte)'0');
        _rest = _rest[digits..];
        return isNumber;
    }
}
