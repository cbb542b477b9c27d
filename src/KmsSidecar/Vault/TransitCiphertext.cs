using System.Buffers;
using System.Buffers.Text;

namespace KmsSidecar.Vault;

/// <summary>The text that Transit makes of a plaintext: <c>vault:vN:base64</c>. Not secret.</summary>
internal static class TransitCiphertext
{
    /// <summary>Longest that is taken: 4 KiB of plaintext are 5.5 KiB, the rest is room.</summary>
    public const int MaxLength = 8 * 1024;

    private static readonly SearchValues<byte> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="u8);

    private static ReadOnlySpan<byte> Prefix => "vault:v"u8;

    /// <summary>Whether it begins as one. Whether it is whole is another question: <see cref="TryReadVersion"/>.</summary>
    public static bool HasPrefix(ReadOnlySpan<byte> utf8) => utf8.StartsWith(Prefix);

    /// <summary>Whether it has the shape, so that it can stand in JSON as it is. Never throws.</summary>
    /// <param name="version">The key version that made it, from 1.</param>
    public static bool TryReadVersion(ReadOnlySpan<byte> utf8, out uint version)
    {
        version = 0;
        if (utf8.Length > MaxLength || !HasPrefix(utf8))
        {
            return false;
        }

        ReadOnlySpan<byte> rest = utf8[Prefix.Length..];
        return Utf8Parser.TryParse(rest, out version, out int digits)
            && version > 0
            && rest[0] is >= (byte)'1' and <= (byte)'9'
            && digits + 1 < rest.Length
            && rest[digits] == (byte)':'
            && !rest[(digits + 1)..].ContainsAnyExcept(Alphabet);
    }
}
