using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace KmsSidecar.Backends;

/// <summary>Base64 as RustFS reads it: RFC 4648, section 4, with padding, no white space, no stray bits in the last group.</summary>
/// <remarks>The framework's decoder takes white space and stray bits. Works on bytes, so that a secret never becomes a string.</remarks>
internal static class CanonicalBase64
{
    public static int MaxDecodedLength(int utf8Length) => Base64.GetMaxDecodedFromUtf8Length(utf8Length);

    /// <param name="destination">At least <see cref="MaxDecodedLength"/> bytes; the caller wipes them. Zero when it fails.</param>
    public static bool TryDecode(ReadOnlySpan<byte> utf8, Span<byte> destination, out int written)
    {
        if (Base64.DecodeFromUtf8(utf8, destination, out int consumed, out written) == OperationStatus.Done
            && consumed == utf8.Length
            && IsCanonical(utf8, destination[..written]))
        {
            return true;
        }

        CryptographicOperations.ZeroMemory(destination);
        written = 0;
        return false;
    }

    /// <summary>There is one canonical text for some bytes: the one that encoding them gives.</summary>
    private static bool IsCanonical(ReadOnlySpan<byte> utf8, ReadOnlySpan<byte> decoded)
    {
        byte[] canonical = ArrayPool<byte>.Shared.Rent(Base64.GetMaxEncodedToUtf8Length(decoded.Length));
        try
        {
            Base64.EncodeToUtf8(decoded, canonical, out _, out int length);
            return CryptographicOperations.FixedTimeEquals(utf8, canonical.AsSpan(0, length));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(canonical);
            ArrayPool<byte>.Shared.Return(canonical);
        }
    }
}
