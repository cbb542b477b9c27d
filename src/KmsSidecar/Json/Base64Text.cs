using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace KmsSidecar.Json;

/// <summary>Decodes the base64 (RFC 4648, padded) of a JSON string, without a string of it.</summary>
internal static class Base64Text
{
    /// <param name="reader">On a string.</param>
    /// <param name="destination">The caller owns and wipes it.</param>
    /// <returns>Done; DestinationTooSmall; InvalidData for all that is not base64.</returns>
    public static OperationStatus Decode(ref readonly Utf8JsonReader reader, Span<byte> destination, out int length)
    {
        if (!reader.ValueIsEscaped)
        {
            return Decode(reader.ValueSpan, destination, out length);
        }

        // Some encoders escape the slash.
        byte[] text = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            return Decode(text.AsSpan(0, reader.CopyString(text)), destination, out length);
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate.
            length = 0;
            return OperationStatus.InvalidData;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private static OperationStatus Decode(ReadOnlySpan<byte> text, Span<byte> destination, out int length)
    {
        OperationStatus status = Base64.DecodeFromUtf8(text, destination, out int consumed, out length);
        return status == OperationStatus.DestinationTooSmall || (status == OperationStatus.Done && consumed == text.Length)
            ? status
            : OperationStatus.InvalidData;
    }
}
