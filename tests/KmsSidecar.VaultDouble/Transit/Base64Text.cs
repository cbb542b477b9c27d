using System.Buffers;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Transit;

/// <summary>Base64 with Go's complaints.</summary>
internal static class Base64Text
{
    private static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    /// <param name="complaint">The error's sentence; null for Go's own, with the place.</param>
    public static byte[] Decode(string text, string? complaint = null)
    {
        byte[] bytes = new byte[text.Length];
        if (Convert.TryFromBase64String(text, bytes, out int length))
        {
            return bytes[..length];
        }

        int at = text.AsSpan().TrimEnd('=').IndexOfAnyExcept(Alphabet);
        throw new VaultFailure(400, complaint ?? $"illegal base64 data at input byte {(at < 0 ? text.Length : at)}");
    }
}
