using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace KmsSidecar.Transport;

internal enum HeadKind
{
    /// <summary>The end of the head is not there yet.</summary>
    Incomplete,

    /// <summary>Anything that is better left to a whole HTTP server: other methods, chunks, unusual or malformed headers.</summary>
    NotPlain,

    Plain,
}

/// <summary>The head of a plain request: <c>POST target HTTP/1.1</c>, one Host, one Content-Length, and nothing that changes how the body or
/// the connection is read.</summary>
/// <remarks>It recognises what it knows and judges nothing else: whatever is not plain is read again from its first byte by Kestrel, which
/// refuses what is wrong. So two readings of one request never meet.</remarks>
internal readonly ref struct PlainHead
{
    /// <summary>Longest head that is looked at.</summary>
    private const int MaxLength = 8 * 1024;

    /// <summary>Digits of a length; more than any route takes.</summary>
    private const int MaxLengthDigits = 7;

    private static readonly SearchValues<byte> TargetBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-_."u8);

    private static readonly SearchValues<byte> NameBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    /// <summary>Of host and port, without user information.</summary>
    private static readonly SearchValues<byte> HostBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:[]"u8);

    public ReadOnlySpan<byte> Target { get; private init; }

    /// <summary>Bytes of the head, its empty line included.</summary>
    public int Length { get; private init; }

    public int BodyLength { get; private init; }

    /// <summary>Of the AWS KMS API, as named by <c>X-Amz-Target</c>, in a request with that API's content type; empty for none.</summary>
    public ReadOnlySpan<byte> Operation { get; private init; }

    public static HeadKind Read(ReadOnlySpan<byte> input, out PlainHead head)
    {
        ReadOnlySpan<byte> method = "POST "u8;
        head = default;
        if (!input[..Math.Min(input.Length, method.Length)].SequenceEqual(method[..Math.Min(input.Length, method.Length)]))
        {
            return HeadKind.NotPlain;
        }

        int end = input[..Math.Min(input.Length, MaxLength)].IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return input.Length < MaxLength ? HeadKind.Incomplete : HeadKind.NotPlain;
        }

        ReadOnlySpan<byte> lines = input[method.Length..(end + 2)];
        int target = lines.IndexOfAnyExcept(TargetBytes);
        ReadOnlySpan<byte> version = " HTTP/1.1\r\n"u8;
        if (target < 0 || !lines[target..].StartsWith(version) || !TryReadHeaders(lines[(target + version.Length)..], out Fields fields))
        {
            return HeadKind.NotPlain;
        }

        head = new PlainHead { Target = lines[..target], Length = end + 4, BodyLength = fields.BodyLength, Operation = fields.Operation };
        return HeadKind.Plain;
    }

    /// <param name="lines">Each with its line end.</param>
    private static bool TryReadHeaders(ReadOnlySpan<byte> lines, out Fields fields)
    {
        fields = new Fields { BodyLength = -1 };
        while (!lines.IsEmpty)
        {
            int end = lines.IndexOf((byte)'\r');
            int colon = lines.IndexOfAnyExcept(NameBytes);
            if (colon <= 0 || colon >= end || lines[colon] != (byte)':' || lines[end + 1] != (byte)'\n')
            {
                return false;
            }

            ReadOnlySpan<byte> name = lines[..colon];
            ReadOnlySpan<byte> value = lines[(colon + 1)..end].Trim((byte)' ');
            lines = lines[(end + 2)..];
            if (value.IndexOfAnyExceptInRange((byte)' ', (byte)'~') >= 0 || !TryTake(name, value, ref fields))
            {
                return false;
            }
        }

        // An operation in a request of another type is for Kestrel to refuse.
        return fields.HasHost && fields.BodyLength >= 0 && fields.IsAwsJson != fields.Operation.IsEmpty;
    }

    private static bool TryTake(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref Fields fields)
    {
        switch (name.Length)
        {
            case 4 when Ascii.EqualsIgnoreCase(name, "host"u8):
                bool isFirst = !fields.HasHost;
                fields.HasHost = true;
                return isFirst && !value.IsEmpty && !value.ContainsAnyExcept(HostBytes);
            case 14 when Ascii.EqualsIgnoreCase(name, "content-length"u8):
                bool isOnly = fields.BodyLength < 0;
                return isOnly && value.Length is > 0 and <= MaxLengthDigits && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
                    && Utf8Parser.TryParse(value, out fields.BodyLength, out _);
            case 10 when Ascii.EqualsIgnoreCase(name, "connection"u8):
                return Ascii.EqualsIgnoreCase(value, "keep-alive"u8);
            case 12 when Ascii.EqualsIgnoreCase(name, "x-amz-target"u8):
                bool isSole = fields.Operation.IsEmpty;
                fields.Operation = value;
                return isSole && !value.IsEmpty;
            case 12 when Ascii.EqualsIgnoreCase(name, "content-type"u8):
                bool isSingle = !fields.IsAwsJson;
                fields.IsAwsJson = Ascii.EqualsIgnoreCase(value, "application/x-amz-json-1.1"u8);
                return isSingle;

            // How the body or the connection is to be read otherwise: transfer-encoding, trailer, te, expect, upgrade, content-encoding.
            case 17 when Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8):
            case 16 when Ascii.EqualsIgnoreCase(name, "content-encoding"u8):
            case 7 when Ascii.EqualsIgnoreCase(name, "trailer"u8) || Ascii.EqualsIgnoreCase(name, "upgrade"u8):
            case 6 when Ascii.EqualsIgnoreCase(name, "expect"u8):
            case 2 when Ascii.EqualsIgnoreCase(name, "te"u8):
                return false;
            default:
                return true;
        }
    }

    /// <summary>What the headers say, as far as it matters.</summary>
    private ref struct Fields
    {
        public bool HasHost;
        public bool IsAwsJson;

        /// <summary>-1 until it is known.</summary>
        public int BodyLength;
        public ReadOnlySpan<byte> Operation;
    }
}
