using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace KmsSidecar.Keys;

/// <summary>Reads a context from JSON without a string per pair.</summary>
internal static class EncryptionContextReader
{
    /// <inheritdoc cref="EncryptionContext.TryRead"/>
    public static bool TryRead(
        ref Utf8JsonReader reader, [NotNullWhen(true)] out EncryptionContext? context, [NotNullWhen(false)] out string? fault)
    {
        if (reader.TokenType != JsonTokenType.StartObject || !reader.IsFinalBlock)
        {
            throw new ArgumentException("the reader must stand on the object and have all of its input", nameof(reader));
        }

        fault = null;
        if (TryReadCanonical(ref reader, out context))
        {
            return true;
        }

        using EncryptionContextBuilder builder = new();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!TryReadPair(ref reader, builder, out fault))
            {
                return false;
            }
        }

        return builder.TryBuild(out context, out fault);
    }

    /// <summary>The usual case: names in their order and nothing escaped, so that the tokens are in canonical form as they stand.</summary>
    /// <returns>False, with the reader where it was, for every other case.</returns>
    private static bool TryReadCanonical(ref Utf8JsonReader reader, [NotNullWhen(true)] out EncryptionContext? context)
    {
        context = null;
        Utf8JsonReader probe = reader;
        ReadOnlySpan<byte> former = default;
        int length = 1;
        for (; probe.Read() && probe.TokenType == JsonTokenType.PropertyName; length++)
        {
            ReadOnlySpan<byte> name = probe.ValueSpan;
            if (!IsPlain(in probe) || (length > 1 && former.SequenceCompareTo(name) >= 0) || !probe.Read()
                || probe.TokenType != JsonTokenType.String || !IsPlain(in probe))
            {
                return false;
            }

            length += name.Length + probe.ValueSpan.Length + "\"\":\"\"".Length;
            former = name;
        }

        // Instead of the last comma, the closing brace.
        length = Math.Max(length, "{}".Length);
        if (length > EncryptionContext.MaxCanonicalLength)
        {
            return false;
        }

        context = length == "{}".Length ? EncryptionContext.Empty : new EncryptionContext(CopyPairs(ref reader, length));
        reader = probe;
        return true;
    }

    private static bool IsPlain(ref readonly Utf8JsonReader token) => !token.HasValueSequence && !token.ValueIsEscaped && Utf8.IsValid(token.ValueSpan);

    private static byte[] CopyPairs(ref Utf8JsonReader reader, int length)
    {
        byte[] canonical = new byte[length];
        Span<byte> rest = canonical;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            rest[0] = rest.Length == length ? (byte)'{' : (byte)',';
            rest = rest[1..];
            CopyToken(reader.ValueSpan, ref rest);
            rest[0] = (byte)':';
            rest = rest[1..];
            reader.Read();
            CopyToken(reader.ValueSpan, ref rest);
        }

        rest[0] = (byte)'}';
        return canonical;
    }

    private static void CopyToken(ReadOnlySpan<byte> token, ref Span<byte> rest)
    {
        rest[0] = (byte)'"';
        token.CopyTo(rest[1..]);
        rest[token.Length + 1] = (byte)'"';
        rest = rest[(token.Length + 2)..];
    }

    private static bool TryReadPair(ref Utf8JsonReader reader, EncryptionContextBuilder builder, [NotNullWhen(false)] out string? fault)
    {
        ReadOnlySpan<byte> token = EnvelopeText.TokenOf(ref reader);
        if (token.Length > builder.Free.Length)
        {
            fault = EncryptionContextBuilder.TooLong;
            return false;
        }

        if (!EnvelopeText.TryUnescape(token, builder.Free, out int nameLength))
        {
            fault = "encryption_context has a name that is not valid Unicode";
            return false;
        }

        ReadOnlySpan<byte> name = builder.Free[..nameLength];
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            fault = $"{EncryptionContextBuilder.Path(name)} must be a string";
            return false;
        }

        token = EnvelopeText.TokenOf(ref reader);
        if (token.Length > builder.Free.Length - nameLength)
        {
            fault = EncryptionContextBuilder.TooLong;
            return false;
        }

        if (!EnvelopeText.TryUnescape(token, builder.Free[nameLength..], out int valueLength))
        {
            fault = $"{EncryptionContextBuilder.Path(name)} is not valid Unicode";
            return false;
        }

        builder.Add(nameLength, valueLength);
        fault = null;
        return true;
    }
}
