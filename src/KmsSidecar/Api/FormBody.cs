using System.Text;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>Reads <c>application/x-www-form-urlencoded</c> (URL Standard, section 5): <c>+</c> is a space, everything else may be <c>%XX</c>.</summary>
internal static class FormBody
{
    private const int MaxFields = 32;

    /// <exception cref="KmsException">MalformedRequest: a bad escape, text that is not UTF-8, or a name given twice.</exception>
    public static Dictionary<string, string> Read(ReadOnlySpan<byte> body)
    {
        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach (Range range in body.Split((byte)'&'))
        {
            ReadOnlySpan<byte> pair = body[range];
            if (pair.IsEmpty)
            {
                continue;
            }

            int equals = pair.IndexOf((byte)'=');
            string name = Decode(equals < 0 ? pair : pair[..equals]);
            if (!fields.TryAdd(name, equals < 0 ? "" : Decode(pair[(equals + 1)..])) || fields.Count > MaxFields)
            {
                throw new KmsException(KmsError.MalformedRequest, $"the form names a field twice, or more than {MaxFields} fields");
            }
        }

        return fields;
    }

    private static string Decode(ReadOnlySpan<byte> text)
    {
        byte[] decoded = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            byte value = text[i];
            if (value == '%')
            {
                if (i + 2 >= text.Length || !byte.TryParse(text.Slice(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out value))
                {
                    throw new KmsException(KmsError.MalformedRequest, "the form holds a percent sign that is not followed by two hexadecimal digits");
                }

                i += 2;
            }
            else if (value == '+')
            {
                value = (byte)' ';
            }

            decoded[length++] = value;
        }

        try
        {
            return Strict.GetString(decoded, 0, length);
        }
        catch (DecoderFallbackException)
        {
            throw new KmsException(KmsError.MalformedRequest, "the form is not UTF-8");
        }
    }

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
