using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

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

        context = null;
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
