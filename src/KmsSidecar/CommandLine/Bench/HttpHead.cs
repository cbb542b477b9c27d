using System.Buffers.Text;
using System.Text;

namespace KmsSidecar.CommandLine.Bench;

/// <summary>What a client needs from the head of an HTTP/1.1 answer.</summary>
/// <param name="ContentLength">Bytes of the body; 0 when it is chunked.</param>
/// <param name="IsLast">The connection ends after this answer.</param>
internal readonly record struct HttpHead(int Status, int ContentLength, bool IsChunked, bool IsLast)
{
    // "HTTP/1.1 200": the reason phrase after it may be missing.
    private const int StatusOffset = 9;
    private const int StatusDigits = 3;

    /// <param name="head">Status line and header lines, without the empty line.</param>
    /// <exception cref="IOException">Not HTTP/1.1, or the length of the body is unknown.</exception>
    public static HttpHead Parse(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 "u8)
            || head.Length < StatusOffset + StatusDigits
            || !TryParseNumber(head.Slice(StatusOffset, StatusDigits), 'D', out int status))
        {
            throw new IOException("the answer is not HTTP/1.1");
        }

        int contentLength = -1;
        bool isChunked = false;
        bool isLast = false;
        ReadOnlySpan<byte> rest = head;
        int lineEnd;
        while ((lineEnd = rest.IndexOf("\r\n"u8)) >= 0)
        {
            rest = rest[(lineEnd + 2)..];
            int colon = rest.IndexOf((byte)':');
            if (colon < 0)
            {
                throw new IOException("the answer has a header line without a colon");
            }

            ReadOnlySpan<byte> name = rest[..colon];
            if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
            {
                contentLength = ParseLength(ValueOf(rest, colon));
            }
            else if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
            {
                isChunked = Ascii.EqualsIgnoreCase(ValueOf(rest, colon), "chunked"u8);
            }
            else if (Ascii.EqualsIgnoreCase(name, "connection"u8))
            {
                isLast = Ascii.EqualsIgnoreCase(ValueOf(rest, colon), "close"u8);
            }
        }

        return isChunked ? new HttpHead(status, 0, true, isLast)
            : contentLength >= 0 ? new HttpHead(status, contentLength, false, isLast)
            : throw new IOException("the answer has neither Content-Length nor chunks");
    }

    /// <param name="line">The size line of a chunk; an extension after a semicolon is ignored.</param>
    /// <exception cref="IOException">Not a hexadecimal number of bytes.</exception>
    public static int ParseChunkSize(ReadOnlySpan<byte> line)
    {
        int semicolon = line.IndexOf((byte)';');
        ReadOnlySpan<byte> digits = semicolon < 0 ? line : line[..semicolon];
        return TryParseNumber(digits, 'X', out int size) ? size : throw new IOException("the answer has a malformed chunk size");
    }

    private static int ParseLength(ReadOnlySpan<byte> value) =>
        TryParseNumber(value, 'D', out int length) ? length : throw new IOException("the answer has a malformed Content-Length");

    private static bool TryParseNumber(ReadOnlySpan<byte> text, char format, out int number) =>
        Utf8Parser.TryParse(text, out number, out int consumed, format) && consumed == text.Length && number >= 0;

    private static ReadOnlySpan<byte> ValueOf(ReadOnlySpan<byte> lines, int colon)
    {
        ReadOnlySpan<byte> value = lines[(colon + 1)..];
        int lineEnd = value.IndexOf("\r\n"u8);
        return (lineEnd < 0 ? value : value[..lineEnd]).Trim((byte)' ');
    }
}
