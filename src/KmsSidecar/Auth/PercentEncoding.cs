using System.Buffers;
using System.Globalization;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>RFC 3986, section 2, as Signature Version 4 uses it: unreserved characters stand for themselves, every other byte is <c>%XX</c>
/// in upper case.</summary>
internal static class PercentEncoding
{
    private static readonly SearchValues<char> Unreserved =
        SearchValues.Create("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Decodes <paramref name="text"/> once and appends it encoded, in one pass; false when an escape is not two hexadecimal
    /// digits.</summary>
    /// <remarks>The text is printable ASCII (<see cref="RequestTarget"/> saw to that). <c>+</c> is a plus sign, not a space.</remarks>
    public static bool TryNormalize(ReadOnlySpan<char> text, StringBuilder destination)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char value = text[i];
            if (value == '%')
            {
                if (!TryReadEscape(text[i..], out byte escaped))
                {
                    return false;
                }

                value = (char)escaped;
                i += 2;
            }

            if (Unreserved.Contains(value))
            {
                destination.Append(value);
            }
            else
            {
                destination.Append(CultureInfo.InvariantCulture, $"%{(int)value:X2}");
            }
        }

        return true;
    }

    /// <summary>Reads <c>%XX</c> at the start of <paramref name="text"/>, in either case.</summary>
    public static bool TryReadEscape(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text.Length >= 3 && byte.TryParse(text[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
